//! How many tokens that are not known each address has tried.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);

/// How many addresses are remembered. When more of them try at once, the one that began first is forgotten.
const MAX_PEERS: usize = 4_096;

/// How many tokens that are not known each address has tried in its last minute.
#[derive(Debug)]
pub(super) struct Failures {
    most: u32,
    /// When the minute began, and how many there were in it.
    peers: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl Failures {
    /// `most` are allowed in a minute.
    pub(super) fn new(most: u32) -> Self {
        Self { most, peers: Mutex::default() }
    }

    /// Notes one more.
    ///
    /// # Errors
    /// If it is one too many: how long it takes until there may be more.
    pub(super) fn note(&self, peer: Option<IpAddr>, now: Instant) -> Result<(), Duration> {
        let peer = site(peer.unwrap_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED)));
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if !peers.contains_key(&peer) && peers.len() >= MAX_PEERS {
            peers.retain(|_, (began, _)| now.saturating_duration_since(*began) < WINDOW);
            if peers.len() >= MAX_PEERS
                && let Some(first) = peers.iter().min_by_key(|(_, (began, _))| *began).map(|(peer, _)| *peer)
            {
                peers.remove(&first);
            }
        }
        let (began, count) = peers.entry(peer).or_insert((now, 0));
        let elapsed = now.saturating_duration_since(*began);
        if elapsed >= WINDOW {
            (*began, *count) = (now, 0);
        }
        if *count >= self.most {
            return Err(WINDOW.saturating_sub(elapsed));
        }
        *count += 1;
        Ok(())
    }
}

/// The address, or the network of an IPv6 address, which belongs to one customer as a whole.
fn site(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_address_has_so_many_a_minute() {
        let failures = Failures::new(3);
        let begin = Instant::now();
        let at = |peer: &str, seconds| {
            failures.note(Some(peer.parse().unwrap()), begin + Duration::from_secs(seconds))
        };
        for _ in 0..3 {
            assert_eq!(at("192.0.2.1", 0), Ok(()));
        }
        assert_eq!(at("192.0.2.1", 20), Err(Duration::from_secs(40)));
        assert_eq!(at("::ffff:192.0.2.1", 20), Err(Duration::from_secs(40)));
        assert_eq!(at("192.0.2.2", 20), Ok(()));
        assert_eq!(at("192.0.2.1", 60), Ok(()));

        for n in 0..3 {
            assert_eq!(at(&format!("2001:db8::{n}"), 0), Ok(()));
        }
        assert!(at("2001:db8::77:1", 0).is_err(), "one network counts as one");
        assert_eq!(at("2001:db8:1::1", 0), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::new(1);
        let now = Instant::now();
        for n in 0..10_000_u32 {
            let peer = IpAddr::V4((0x0a00_0000 + n).into());
            assert_eq!(failures.note(Some(peer), now + Duration::from_millis(n.into())), Ok(()));
            assert!(failures.note(Some(peer), now + Duration::from_millis(n.into())).is_err());
        }
        assert!(failures.peers.lock().unwrap().len() <= MAX_PEERS);
    }
}
