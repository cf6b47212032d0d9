//! Order history: what is loaded, what is asked for, what is listed.

use qt_profitdll::codes::nresult;

use super::account::AccountKey;
use super::broker::{Broker, Task};
use super::local_day;
use super::note::Note;
use super::order::Order;

/// No request may span more local days.
const LONGEST_DAYS: i64 = 3_660;

impl Broker {
    /// Whether the orders of these local days are loaded; asks for them when not. The time of day is ignored, and a
    /// sub-account uses the history of its master account.
    ///
    /// # Errors
    /// `NL_WAITING_SERVER` when they had to be asked for, `NL_OUT_OF_RANGE` for dates in the wrong order or beyond
    /// today, `NL_NOT_FOUND` for an unknown account.
    pub fn has_orders(&mut self, now: i64, account: &AccountKey, start: i64, end: i64) -> Result<(), i32> {
        self.advance(now);
        let master = account.master();
        if self.accounts.find(&master).is_none() {
            return Err(nresult::NL_NOT_FOUND);
        }
        let (from, to) = (local_day(start), local_day(end));
        if from > to || to > local_day(self.now) || to - from > LONGEST_DAYS {
            return Err(nresult::NL_OUT_OF_RANGE);
        }
        if (from..=to).all(|day| self.loaded.contains(&(master.clone(), day))) {
            return Ok(());
        }
        let due = self.now.saturating_add(self.settings.history_ns);
        self.schedule(due, Task::History(master, from, to));
        self.advance(now);
        Err(nresult::NL_WAITING_SERVER)
    }

    /// Orders of an account made from `start` to `end`, both included, by age. A master account lists those of its
    /// sub-accounts too.
    ///
    /// # Errors
    /// As [`Broker::has_orders`].
    pub fn orders_between(
        &mut self,
        now: i64,
        account: &AccountKey,
        start: i64,
        end: i64,
    ) -> Result<Vec<Order>, i32> {
        self.has_orders(now, account, start, end)?;
        // What a client reads and sends has milliseconds.
        let ms = |ns: i64| ns.div_euclid(1_000_000);
        let inside = |o: &Order| (ms(start)..=ms(end)).contains(&ms(o.created_ns));
        Ok(self.known_orders(account).into_iter().filter(inside).collect())
    }

    /// Asks for the orders of these local days, loaded or not.
    ///
    /// # Errors
    /// `NL_OUT_OF_RANGE` and `NL_NOT_FOUND` as [`Broker::has_orders`].
    pub fn request_orders(
        &mut self,
        now: i64,
        account: &AccountKey,
        start: i64,
        end: i64,
    ) -> Result<(), i32> {
        let (from, to) = (local_day(start), local_day(end));
        match self.has_orders(now, account, start, end) {
            Err(nresult::NL_WAITING_SERVER) => return Ok(()),
            answer => answer?,
        }
        let due = self.now.saturating_add(self.settings.history_ns);
        self.schedule(due, Task::History(account.master(), from, to));
        self.advance(now);
        Ok(())
    }

    /// Every order of an account that this session knows, by age.
    pub fn known_orders(&self, account: &AccountKey) -> Vec<Order> {
        let of_account =
            |o: &&Order| o.account == *account || (account.sub.is_empty() && o.account.master() == *account);
        self.orders.iter().filter(|o| o.local_id != 0).filter(of_account).cloned().collect()
    }

    pub(super) fn history_arrives(&mut self, account: &AccountKey, from: i64, to: i64) {
        // Without a connection the answer is lost: who still wants it asks again.
        let Some(index) = self.accounts.find(account).filter(|_| self.is_connected()) else { return };
        self.loaded.extend((from..=to).map(|day| (account.clone(), day)));
        let is_meant =
            |o: &&Order| o.account.master() == *account && (from..=to).contains(&local_day(o.created_ns));
        let keys: Vec<u64> = self.orders.iter().filter(is_meant).map(|o| o.key).collect();
        for key in &keys {
            self.show(*key);
        }
        let orders = keys.iter().map(|key| self.order(*key).clone()).collect();
        self.say(Note::History { account: index, orders });
    }
}
