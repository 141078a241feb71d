//! Places for connections, shared among those who connect: whoever opens many gives up own ones first, so that idle
//! connections of one keep nobody else out.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// Whose a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whose {
    /// A user of this machine.
    User(u32),
    /// An address, or a network of which one host has all.
    Address(IpAddr),
}

impl Whose {
    /// By the user where the kernel says which, else by the address; a host has a whole /64 of IPv6.
    pub fn of(uid: Option<u32>, at: IpAddr) -> Self {
        match (uid, at.to_canonical()) {
            (Some(uid), _) => Self::User(uid),
            (None, IpAddr::V6(at)) => {
                let network = at.to_bits() & !u128::from(u64::MAX);
                Self::Address(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
            (None, at) => Self::Address(at),
        }
    }
}

#[derive(Debug)]
struct Connection {
    whose: Whose,
    /// Whether a request is being answered.
    busy: bool,
    /// When it was last used: a count, not a time.
    used: u64,
    end: Arc<Notify>,
}

#[derive(Debug, Default)]
struct Table {
    count: u64,
    open: BTreeMap<u64, Connection>,
}

impl Table {
    fn of(&self, whose: Whose) -> usize {
        self.open.values().filter(|one| one.whose == whose).count()
    }

    /// Whoever would have most, with this one more.
    fn greediest(&self, newcomer: Whose) -> Whose {
        let mut counts = BTreeMap::from([(newcomer, 1_usize)]);
        for one in self.open.values() {
            *counts.entry(one.whose).or_default() += 1;
        }
        // Of two with as many, the newcomer.
        let most = counts.into_iter().max_by_key(|(whose, count)| (*count, *whose == newcomer));
        most.map_or(newcomer, |(whose, _)| whose)
    }

    /// Ends the one that was not used for the longest; one that is being answered last.
    fn evict(&mut self, whose: Whose) {
        let own = self.open.iter().filter(|(_, one)| one.whose == whose);
        let idlest = own.min_by_key(|(_, one)| (one.busy, one.used)).map(|(id, _)| *id);
        if let Some(gone) = idlest.and_then(|id| self.open.remove(&id)) {
            gone.end.notify_one();
        }
    }
}

/// All connections.
#[derive(Debug)]
pub struct Shares {
    most: usize,
    each: usize,
    table: Mutex<Table>,
}

impl Shares {
    /// So many connections in all, and so many of one who connects.
    pub fn new(most: usize, each: usize) -> Arc<Self> {
        Arc::new(Self { most: most.max(1), each: each.max(1), table: Mutex::default() })
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for a connection. Where there is none, another gives up its own: of the same one where that one has its
    /// share, else of whoever has most.
    pub fn enter(self: &Arc<Self>, whose: Whose) -> Place {
        let end = Arc::new(Notify::new());
        let mut table = self.table();
        if table.of(whose) >= self.each {
            table.evict(whose);
        } else if table.open.len() >= self.most {
            let greediest = table.greediest(whose);
            table.evict(greediest);
        }
        table.count += 1;
        let id = table.count;
        table.open.insert(id, Connection { whose, busy: false, used: id, end: end.clone() });
        Place { id, end, shares: self.clone() }
    }
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
pub struct Place {
    id: u64,
    end: Arc<Notify>,
    shares: Arc<Shares>,
}

impl Place {
    /// A request begins or ends.
    pub fn is_busy(&self, busy: bool) {
        let mut table = self.shares.table();
        table.count += 1;
        let used = table.count;
        if let Some(own) = table.open.get_mut(&self.id) {
            (own.busy, own.used) = (busy, used);
        }
    }

    /// Comes when the place was given to another.
    pub async fn ended(&self) {
        self.end.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.shares.table().open.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt as _;

    const ANA: Whose = Whose::User(1001);
    const BO: Whose = Whose::User(1002);

    fn gone(place: &Place) -> bool {
        place.ended().now_or_never().is_some()
    }

    #[test]
    fn who_opens_many_gives_up_own_ones_and_the_idlest_first() {
        let shares = Shares::new(8, 6);
        let mut greedy: Vec<Place> = (0..6).map(|_| shares.enter(ANA)).collect();
        greedy[0].is_busy(true);
        greedy[1].is_busy(true);
        greedy[1].is_busy(false);
        greedy.push(shares.enter(ANA));
        assert!(gone(&greedy[2]), "the first that was never used");
        let other: Vec<Place> = (0..4).map(|_| shares.enter(BO)).collect();
        let ended = greedy.iter().filter(|place| gone(place)).count();
        assert_eq!((ended, other.iter().filter(|place| gone(place)).count()), (2, 0));
        assert!(!gone(&greedy[0]), "what is being answered goes last");
        assert_eq!(shares.table().open.len(), 8);
        drop((greedy, other));
        assert!(shares.table().open.is_empty());
    }

    #[test]
    fn users_by_uid_and_others_by_their_network() {
        let at = |text: &str| text.parse::<IpAddr>().unwrap();
        assert_eq!(Whose::of(Some(7), at("127.0.0.1")), Whose::User(7));
        assert_eq!(Whose::of(None, at("::ffff:10.0.0.1")), Whose::of(None, at("10.0.0.1")));
        assert_eq!(Whose::of(None, at("2001:db8::1")), Whose::of(None, at("2001:db8::2")));
        assert_ne!(Whose::of(None, at("2001:db8::1")), Whose::of(None, at("2001:db8:0:1::1")));
        assert_ne!(Whose::of(None, at("10.0.0.1")), Whose::of(None, at("10.0.0.2")));
    }
}
