//! Videos as accounts: units of work move views from one to another, and read all of them.

use std::fmt;
use std::sync::Arc;

use tubeatlas_domain::Video;
use tubeatlas_ports::{Error, Mode, Repositories, RetryPolicy, Store, Visibility, transact};

use super::{Client, Crowd, Model, Operation};
use crate::Violation;
use crate::fixtures::{a_video_with, video_id};
use crate::random::Random;

/// How many accounts there are.
const ACCOUNTS: usize = 3;

/// What each holds in the beginning.
const FUNDS: u64 = 10;

/// How many calls each client makes.
const CALLS: usize = 8;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    /// A unit of work that takes so much from one account and gives it to another, if there is so much.
    Move { from: usize, to: usize, amount: u64 },
    /// A unit of work that reads the accounts one after the other.
    ReadAll,
    /// A single call that sets one account, whatever it held.
    Set { account: usize, amount: u64 },
    /// A single call that reads the accounts.
    GetMany,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// What the two accounts held before.
    Moved(u64, u64),
    /// It held only so much.
    Short(u64),
    Set,
    Held(Vec<u64>),
}

/// All accounts together.
#[derive(Debug)]
pub(crate) struct Accounts;

impl Model for Accounts {
    type State = Vec<u64>;
    type Call = Call;
    type Answer = Answer;

    fn initial(&self) -> Vec<u64> {
        vec![FUNDS; ACCOUNTS]
    }

    fn step(&self, held: &Vec<u64>, call: &Call, answer: Option<&Answer>) -> Vec<Vec<u64>> {
        let mut next = held.clone();
        let fits = match (call, answer) {
            (Call::Move { from, to, amount }, answer) => {
                let (before_from, before_to) = (held[*from], held[*to]);
                if before_from < *amount {
                    answer == Some(&Answer::Short(before_from))
                } else {
                    next[*from] = before_from - amount;
                    next[*to] = before_to + amount;
                    answer.is_none_or(|answer| *answer == Answer::Moved(before_from, before_to))
                }
            }
            (Call::Set { account, amount }, answer) => {
                next[*account] = *amount;
                answer.is_none_or(|answer| *answer == Answer::Set)
            }
            (Call::ReadAll | Call::GetMany, Some(Answer::Held(seen))) => seen == held,
            (Call::ReadAll | Call::GetMany, _) => false,
        };
        if fits { vec![next] } else { Vec::new() }
    }

    fn only_looks(&self, call: &Call, answer: Option<&Answer>) -> bool {
        matches!(call, Call::ReadAll | Call::GetMany) || matches!(answer, Some(Answer::Short(_)))
    }
}

/// One history of clients that move views between a few videos; `name` is part of their ids, and new for each
/// history.
pub(crate) async fn history(
    store: &Arc<dyn Store>,
    name: &str,
    policy: RetryPolicy,
    mut crowd: Crowd,
) -> Result<Vec<Operation<Call, Answer>>, Violation> {
    let ids = Ids(name.to_owned());
    let all: Vec<_> = (0..ACCOUNTS).map(|account| ids.video(account, FUNDS)).collect();
    store.videos().create_many(&all).await?;
    let work = |client| clients_work(store.clone(), ids.clone(), policy, client);
    let mut history = crowd.at_once(store, work).await?;
    let mut last = crowd.alone();
    let random = last.random.clone();
    last.call(Call::GetMany, perform(&**store, &ids, policy, &Call::GetMany, random)).await?;
    history.extend(last.into_log());
    Ok(history)
}

async fn clients_work(
    store: Arc<dyn Store>,
    ids: Ids,
    policy: RetryPolicy,
    mut client: Client<Call, Answer>,
) -> Result<Client<Call, Answer>, Violation> {
    for _ in 0..CALLS {
        let from = client.random.index(ACCOUNTS);
        let to = (from + 1 + client.random.index(ACCOUNTS - 1)) % ACCOUNTS;
        let call = match client.random.below(10) {
            0..5 => Call::Move { from, to, amount: 1 + client.random.below(FUNDS) },
            5 => Call::Set { account: from, amount: client.random.below(FUNDS * 2) },
            6..9 => Call::ReadAll,
            _ => Call::GetMany,
        };
        let random = client.random.clone();
        client.call(call.clone(), perform(&*store, &ids, policy, &call, random)).await?;
    }
    Ok(client)
}

async fn perform(
    store: &dyn Store,
    ids: &Ids,
    policy: RetryPolicy,
    call: &Call,
    random: Random,
) -> Result<Answer, Violation> {
    match *call {
        Call::Move { from, to, amount } => {
            let moved = transact(store, Mode::ReadWrite, policy, |unit| {
                let mut random = random.clone();
                Box::pin(async move {
                    let before_from = ids.held(unit, from).await?;
                    random.pause().await;
                    let before_to = ids.held(unit, to).await?;
                    if before_from < amount {
                        return Ok::<_, Error>(Answer::Short(before_from));
                    }
                    unit.videos().update(&ids.video(from, before_from - amount), None).await?;
                    random.pause().await;
                    unit.videos().update(&ids.video(to, before_to + amount), None).await?;
                    Ok(Answer::Moved(before_from, before_to))
                })
            });
            Ok(moved.await?)
        }
        Call::ReadAll => {
            let held = transact(store, Mode::ReadOnly, policy, |unit| {
                let mut random = random.clone();
                Box::pin(async move {
                    let mut held = Vec::new();
                    for account in 0..ACCOUNTS {
                        held.push(ids.held(unit, account).await?);
                        random.pause().await;
                    }
                    Ok::<_, Error>(held)
                })
            });
            Ok(Answer::Held(held.await?))
        }
        Call::Set { account, amount } => {
            store.videos().update(&ids.video(account, amount), None).await?;
            Ok(Answer::Set)
        }
        Call::GetMany => {
            let all: Vec<_> = (0..ACCOUNTS).map(|account| video_id(&ids.name(account))).collect();
            let found = store.videos().get_many(&all, Visibility::Live).await?;
            Ok(Answer::Held(found.iter().map(|video| views(video.as_deref())).collect()))
        }
    }
}

/// The ids of the accounts of one history.
#[derive(Debug, Clone)]
struct Ids(String);

impl Ids {
    fn name(&self, account: usize) -> String {
        format!("{}-{account}", self.0)
    }

    fn video(&self, account: usize, amount: u64) -> Video {
        a_video_with(|video| {
            video.id = video_id(&self.name(account));
            video.view_count = Some(amount);
        })
    }

    async fn held(&self, repositories: &(impl Repositories + ?Sized), account: usize) -> Result<u64, Error> {
        let video = repositories.videos().get(&video_id(&self.name(account)), Visibility::Live).await?;
        Ok(views(video.as_deref()))
    }
}

/// What an account holds. One that is not there holds what no account ever does, which nothing explains.
fn views(video: Option<&Video>) -> u64 {
    video.and_then(|video| video.view_count).unwrap_or(u64::from(u32::MAX))
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Move { from, to, amount } => write!(f, "unit: move {amount} from {from} to {to}"),
            Self::ReadAll => f.write_str("unit: read all"),
            Self::Set { account, amount } => write!(f, "set {account} to {amount}"),
            Self::GetMany => f.write_str("get many"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moved(from, to) => write!(f, "moved, they held {from} and {to}"),
            Self::Short(held) => write!(f, "refused, it held {held}"),
            Self::Set => f.write_str("set"),
            Self::Held(held) => write!(f, "{held:?}"),
        }
    }
}
