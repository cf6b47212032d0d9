//! Trading accounts: who may send orders, and which of them the client has been told about.

/// Names an account: broker, account, and the sub-account or nothing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct AccountKey {
    /// Number of the broker.
    pub broker_id: i32,
    /// Account at the broker.
    pub account: String,
    /// Sub-account; empty for the account itself.
    pub sub: String,
}

impl AccountKey {
    /// An account without sub-account.
    pub fn new(broker_id: i32, account: &str) -> Self {
        Self { broker_id, account: account.into(), sub: String::new() }
    }

    /// A sub-account of it.
    #[must_use]
    pub fn with_sub(&self, sub: &str) -> Self {
        Self { sub: sub.into(), ..self.clone() }
    }

    /// The account that a sub-account belongs to; an account itself otherwise.
    #[must_use]
    pub fn master(&self) -> Self {
        self.with_sub("")
    }
}

/// What an account is. The value is the vendor's `AccountType`.
#[repr(u8)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Belongs to the user.
    Owner = 0,
    /// Has sub-accounts.
    Master = 2,
    /// Belongs to a master account.
    Sub = 3,
}

/// One account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Its name.
    pub key: AccountKey,
    /// Name of the broker.
    pub broker_name: String,
    /// Holder.
    pub owner: String,
    /// Holder of the sub-account; empty otherwise.
    pub sub_owner: String,
    /// What it is.
    pub kind: AccountKind,
}

impl Account {
    /// An account of its own.
    pub fn owner(broker_id: i32, broker_name: &str, account: &str, owner: &str) -> Self {
        Self {
            key: AccountKey::new(broker_id, account),
            broker_name: broker_name.into(),
            owner: owner.into(),
            sub_owner: String::new(),
            kind: AccountKind::Owner,
        }
    }

    /// `CA_IS_SUB_ACCOUNT` | `CA_IS_ENABLED`.
    pub const fn flags(&self) -> u32 {
        if matches!(self.kind, AccountKind::Sub) { 3 } else { 2 }
    }
}

/// How accounts are announced after a login or a reconnection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Announce {
    /// All at once.
    Whole,
    /// First half, then the rest together with one that was announced before: a client must merge, not replace.
    Partial,
}

/// Every account of the user.
#[derive(Debug, Clone)]
pub struct Accounts {
    all: Vec<Account>,
    announced: Vec<bool>,
}

impl Accounts {
    /// Accounts that nobody has been told about.
    ///
    /// # Errors
    /// Text that names a repeated account, or a sub-account without master.
    pub fn new(all: Vec<Account>) -> Result<Self, String> {
        for (i, a) in all.iter().enumerate() {
            if all[..i].iter().any(|b| b.key == a.key) {
                return Err(format!("account {:?} is listed twice", a.key));
            }
            let master = a.key.master();
            let has_master = all.iter().any(|b| b.key == master && b.kind == AccountKind::Master);
            if (a.kind == AccountKind::Sub) == a.key.sub.is_empty()
                || (a.kind == AccountKind::Sub && !has_master)
            {
                return Err(format!("account {:?}: a sub-account has a name and a master account", a.key));
            }
        }
        let announced = vec![false; all.len()];
        Ok(Self { all, announced })
    }

    /// The account at `index`.
    pub fn get(&self, index: usize) -> &Account {
        &self.all[index]
    }

    /// Where an account is.
    pub fn find(&self, key: &AccountKey) -> Option<usize> {
        self.all.iter().position(|a| a.key == *key)
    }

    /// In which portions accounts are announced: indices, in order.
    pub fn portions(&self, how: Announce) -> Vec<Vec<usize>> {
        let all: Vec<usize> = (0..self.all.len()).collect();
        let half = all.len().div_ceil(2);
        if how == Announce::Whole || half == all.len() {
            return vec![all];
        }
        vec![all[..half].to_vec(), all[half - 1..].to_vec()]
    }

    /// The client has been told about this account.
    pub fn announce(&mut self, index: usize) {
        self.announced[index] = true;
    }

    /// An account that the client has been told about.
    pub fn told(&self, key: &AccountKey) -> Option<&Account> {
        self.known().find(|a| a.key == *key)
    }

    /// Announced accounts that are no sub-accounts, of one broker or of all, in order.
    pub fn masters(&self, broker: Option<i32>) -> Vec<&Account> {
        let of_broker = |a: &Account| broker.is_none_or(|b| a.key.broker_id == b);
        self.known().filter(|a| a.kind != AccountKind::Sub && of_broker(a)).collect()
    }

    /// Announced sub-accounts of a master account; `None` when `key` is no announced master account.
    pub fn subs(&self, key: &AccountKey) -> Option<Vec<&Account>> {
        let master = self.known().find(|a| a.key == *key)?;
        if master.kind != AccountKind::Master {
            return None;
        }
        Some(self.known().filter(|a| a.kind == AccountKind::Sub && a.key.master() == *key).collect())
    }

    /// Brokers in order of appearance.
    pub fn brokers(&self) -> Vec<i32> {
        let mut ids: Vec<i32> = Vec::new();
        for a in &self.all {
            if !ids.contains(&a.key.broker_id) {
                ids.push(a.key.broker_id);
            }
        }
        ids
    }

    /// How many there are, announced or not.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    fn known(&self) -> impl Iterator<Item = &Account> {
        self.all.iter().zip(&self.announced).filter(|(_, told)| **told).map(|(a, _)| a)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family() -> Vec<Account> {
        let mut master = Account::owner(15003, "Sim", "1001", "Ana");
        master.kind = AccountKind::Master;
        let sub = |name: &str| Account {
            key: master.key.with_sub(name),
            sub_owner: name.into(),
            kind: AccountKind::Sub,
            ..master.clone()
        };
        let (a, b) = (sub("S1"), sub("S2"));
        vec![master, a, b, Account::owner(32003, "Other", "7", "Ana")]
    }

    #[test]
    fn partial_portions_overlap_and_cover_everything() {
        let accounts = Accounts::new(family()).unwrap();
        assert_eq!(accounts.portions(Announce::Partial), [vec![0, 1], vec![1, 2, 3]]);
        assert_eq!(accounts.portions(Announce::Whole), [vec![0, 1, 2, 3]]);
    }

    #[test]
    fn only_what_was_announced_is_counted() {
        let mut accounts = Accounts::new(family()).unwrap();
        let master = accounts.get(0).key.clone();
        assert!(accounts.masters(None).is_empty());
        assert!(accounts.subs(&master).is_none());
        (0..2).for_each(|i| accounts.announce(i));
        assert_eq!(accounts.masters(None).len(), 1);
        assert_eq!(accounts.subs(&master).unwrap().len(), 1);
        (2..4).for_each(|i| accounts.announce(i));
        assert_eq!((accounts.masters(None).len(), accounts.masters(Some(32003)).len()), (2, 1));
        assert_eq!(accounts.subs(&master).unwrap().len(), 2);
        assert!(accounts.subs(&accounts.get(3).key.clone()).is_none(), "an owner account is no master");
    }

    #[test]
    fn orphans_and_twins_are_refused() {
        let mut orphans = family();
        orphans.remove(0);
        assert!(Accounts::new(orphans).is_err());
        let mut twins = family();
        twins.push(twins[0].clone());
        assert!(Accounts::new(twins).is_err());
    }
}
