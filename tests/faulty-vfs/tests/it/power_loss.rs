//! Power fails again and again: what of the acknowledged is there afterwards, and whether the file is whole.

use std::path::PathBuf;
use std::sync::Arc;

use tubeatlas_adapters_sqlite::{SqliteStore, Synchronous};
use tubeatlas_domain::VideoId;
use tubeatlas_faulty_vfs::{Disk, Fault, Random};
use tubeatlas_ports::{Mode, Repositories, Result, Store};

use crate::support::{are_there, config, damage, id, open, power_cycles, seed, video};

/// After so many failures of power a database makes room for a new one.
const CYCLES_OF_A_FILE: u64 = 40;

/// Power fails during one of so many calls after it came on.
const CALLS: u64 = 400;

#[derive(Debug, Default)]
struct Tally {
    acknowledged: u64,
    lost: u64,
    cycles_with_loss: u64,
    corrupt: u64,
}

/// A database, and what was acknowledged of it.
struct Trial {
    folder: tempfile::TempDir,
    disk: Arc<Disk>,
    synchronous: Synchronous,
    acknowledged: Vec<VideoId>,
    /// Those that were written in one unit of work: both are there, or none.
    pairs: Vec<[VideoId; 2]>,
    next: u64,
}

impl Trial {
    fn new(synchronous: Synchronous) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::under(folder.path()).unwrap();
        Self { folder, disk, synchronous, acknowledged: Vec::new(), pairs: Vec::new(), next: 0 }
    }

    async fn open(&self) -> Result<SqliteStore> {
        let path: PathBuf = self.folder.path().join("catalogue.db");
        open(config(&path, self.synchronous)).await
    }

    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// One write of some kind.
    async fn write(&mut self, store: &SqliteStore, random: &mut Random) -> Result<()> {
        match random.below(3) {
            0 => {
                let pair = [self.number(), self.number()];
                self.pairs.push(pair.map(id));
                let unit = store.begin(Mode::ReadWrite).await?;
                for number in pair {
                    unit.videos().create(&video(number, random)).await?;
                }
                unit.commit().await?;
                self.acknowledged.extend(pair.map(id));
            }
            1 => {
                // Together, so that they may share a commit.
                let (one, two) = (self.number(), self.number());
                let (first, second) = (video(one, random), video(two, random));
                let (first, second) =
                    tokio::join!(store.videos().create(&first), store.videos().create(&second));
                let written = [(one, first), (two, second)];
                let acknowledged = written.iter().filter(|(_, result)| result.is_ok());
                self.acknowledged.extend(acknowledged.map(|(number, _)| id(*number)));
                for (_, result) in written {
                    result?;
                }
            }
            _ => {
                let number = self.number();
                store.videos().create(&video(number, random)).await?;
                self.acknowledged.push(id(number));
            }
        }
        Ok(())
    }

    /// Works with the database until power fails. Closing brings the log into the database. An error if it cannot be
    /// worked with: a damage can be where a check does not look, in what the full-text index has not merged yet.
    async fn work(&mut self, random: &mut Random) -> Result<(), String> {
        self.disk.break_at(1 + random.below(CALLS), Fault::PowerCut);
        while !self.disk.is_broken() {
            let store = match self.open().await {
                Ok(store) => store,
                Err(_) if self.disk.is_broken() => break,
                Err(error) => return Err(format!("it cannot be opened: {}", error.chain())),
            };
            let mut damage = Ok(());
            for _ in 0..=random.below(12) {
                if let Err(error) = self.write(&store, random).await {
                    if !self.disk.is_broken() {
                        damage = Err(format!("it cannot be written: {}", error.chain()));
                    }
                    break;
                }
            }
            let _ = store.close().await;
            damage?;
        }
        Ok(())
    }

    /// What of the acknowledged is missing; an error, or what is wrong, if the database is damaged.
    async fn look(&mut self) -> Result<u64, String> {
        let store = self.open().await.map_err(|error| error.chain())?;
        let damage = damage(&store).await.map_err(|error| error.chain())?;
        if !damage.is_empty() {
            return Err(damage.join("; "));
        }
        let there = are_there(&store, &self.acknowledged).await.map_err(|error| error.chain())?;
        let pairs = are_there(&store, self.pairs.as_flattened()).await.map_err(|error| error.chain())?;
        if let Some(half) = pairs.chunks(2).position(|pair| pair[0] != pair[1]) {
            return Err(format!("of a unit of work half is there: {:?}", self.pairs[half]));
        }
        store.close().await.map_err(|error| error.chain())?;
        let before = self.acknowledged.len();
        let mut there = there.into_iter();
        self.acknowledged.retain(|_| there.next().unwrap_or(false));
        self.pairs.retain(|[first, _]| self.acknowledged.contains(first));
        Ok(u64::try_from(before - self.acknowledged.len()).unwrap())
    }
}

async fn run(test: &str, synchronous: Synchronous, cycles: u64) -> Tally {
    let mut random = Random::new(seed(test));
    let mut tally = Tally::default();
    let mut trial = Trial::new(synchronous);
    for cycle in 0..cycles {
        if cycle % CYCLES_OF_A_FILE == 0 {
            trial = Trial::new(synchronous);
        }
        let before = trial.acknowledged.len();
        let worked = trial.work(&mut random).await;
        tally.acknowledged += u64::try_from(trial.acknowledged.len() - before).unwrap();
        trial.disk.power_on(&mut random).unwrap();
        let looked = match worked {
            Ok(()) => trial.look().await,
            Err(damage) => Err(damage),
        };
        match looked {
            Ok(lost) => {
                tally.lost += lost;
                tally.cycles_with_loss += u64::from(lost > 0);
            }
            Err(damage) => {
                if synchronous != Synchronous::Off {
                    println!("{test}: cycle {cycle}: {damage}");
                }
                tally.corrupt += 1;
                trial = Trial::new(synchronous);
            }
        }
    }
    println!("{test}: {cycles} losses of power, {tally:?}");
    tally
}

#[tokio::test]
async fn with_full_nothing_acknowledged_is_lost() {
    let tally = run("FULL", Synchronous::Full, power_cycles(60)).await;
    assert!(tally.acknowledged > 0, "{tally:?}");
    assert_eq!((tally.lost, tally.corrupt), (0, 0), "{tally:?}");
}

/// Power fails at each call while a database is made, and what the disk keeps of it is drawn: nothing was acknowledged,
/// so the next opening makes it.
#[tokio::test]
async fn a_database_whose_power_fails_while_it_is_made_is_made_by_the_next() {
    let mut random = Random::new(seed("making"));
    let mut failed = Vec::new();
    for call in 1.. {
        let mut made = true;
        for _ in 0..power_cycles(60).div_ceil(20) {
            let trial = Trial::new(Synchronous::Full);
            trial.disk.break_at(call, Fault::PowerCut);
            if let Ok(store) = trial.open().await {
                let _ = store.close().await;
            }
            made &= !trial.disk.is_broken();
            trial.disk.power_on(&mut random).unwrap();
            match trial.open().await {
                Ok(store) => store.close().await.unwrap(),
                Err(error) => failed.push(format!("call {call}: {}", error.chain())),
            }
        }
        if made {
            break; // by fewer calls
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// That some is lost shows that the disk forgets: else the test above would show nothing.
#[tokio::test]
async fn with_normal_the_last_commits_may_be_lost_but_the_file_is_whole() {
    let tally = run("NORMAL", Synchronous::Normal, power_cycles(60)).await;
    assert_eq!(tally.corrupt, 0, "{tally:?}");
    assert!(tally.lost > 0, "{tally:?}");
}

/// That some files are damaged shows that the disk tears and reorders.
#[tokio::test]
async fn with_off_files_are_damaged() {
    let tally = run("OFF", Synchronous::Off, power_cycles(100)).await;
    assert!(tally.corrupt > 0, "{tally:?}");
}
