//! Which states a login shows.

use qt_profitdll::codes::{activation_state, connection, login_state, market_state, routing_state};

use crate::scenario::{Login, LoginResult};

/// The states of a login in order, and whether it is complete at their end.
pub fn states(login: &Login, user: &str, password: &str, routing: bool) -> (Vec<(i32, i32)>, bool) {
    use connection::{ACTIVATION, LOGIN, MARKET, ROUTING};
    let fails = |state| (vec![(ACTIVATION, activation_state::VALID), (LOGIN, state)], false);
    let right = |expected: &str, given: &str| expected.is_empty() || expected == given;
    let result = if login.result != LoginResult::Ok {
        login.result
    } else if !right(&login.user, user) {
        LoginResult::InvalidLogin
    } else if !right(&login.password, password) {
        LoginResult::WrongPassword
    } else {
        LoginResult::Ok
    };
    let mut states = vec![
        (ACTIVATION, activation_state::VALID),
        (LOGIN, login_state::CONNECTED),
        (MARKET, market_state::CONNECTING),
    ];
    match result {
        LoginResult::InvalidLogin => return fails(login_state::INVALID_LOGIN),
        LoginResult::WrongPassword => return fails(login_state::WRONG_PASSWORD),
        LoginResult::PasswordBlocked => return fails(login_state::PASSWORD_BLOCKED),
        LoginResult::PasswordExpired => return fails(login_state::PASSWORD_EXPIRED),
        LoginResult::Unknown => return fails(login_state::UNKNOWN),
        LoginResult::InvalidActivation => return (vec![(ACTIVATION, activation_state::INVALID)], false),
        LoginResult::Silent | LoginResult::NoLicence => return (Vec::new(), false),
        LoginResult::MarketStuck => return (states, false),
        LoginResult::MarketNotLogged => {
            states.push((MARKET, market_state::NOT_LOGGED));
            return (states, false);
        }
        LoginResult::Ok | LoginResult::BrokerDown => {}
    }
    states.extend([(MARKET, market_state::WAITING), (MARKET, market_state::CONNECTED)]);
    if routing {
        states.extend([(ROUTING, routing_state::CONNECTING), (ROUTING, routing_state::CONNECTED)]);
        states.extend(if result == LoginResult::BrokerDown {
            vec![(ROUTING, routing_state::BROKER_DISCONNECTED)]
        } else {
            vec![(ROUTING, routing_state::BROKER_CONNECTING), (ROUTING, routing_state::BROKER_CONNECTED)]
        });
    }
    (states, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(result: LoginResult, routing: bool) -> Vec<(i32, i32)> {
        states(&Login { result, ..Login::default() }, "u", "p", routing).0
    }

    #[test]
    fn the_observed_sequences() {
        let market = [(3, 0), (0, 0), (2, 1), (2, 2), (2, 4)];
        assert_eq!(of(LoginResult::Ok, false), market);
        assert_eq!(of(LoginResult::Ok, true)[5..], [(1, 1), (1, 2), (1, 4), (1, 5)]);
        assert_eq!(of(LoginResult::BrokerDown, true)[5..], [(1, 1), (1, 2), (1, 3)]);
        assert_eq!(of(LoginResult::PasswordExpired, false), [(3, 0), (0, 4)]);
        assert_eq!(of(LoginResult::InvalidActivation, false), [(3, 1)]);
        assert_eq!(of(LoginResult::MarketNotLogged, false)[2..], [(2, 1), (2, 3)]);
    }

    #[test]
    fn user_and_password_are_compared_when_given() {
        let login = Login { user: "ana".into(), password: "x".into(), ..Login::default() };
        assert_eq!(states(&login, "ana", "x", false).0.len(), 5);
        assert_eq!(states(&login, "bia", "x", false).0[1], (0, 1));
        assert_eq!(states(&login, "ana", "y", false).0[1], (0, 2));
    }
}
