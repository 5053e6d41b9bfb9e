//! What each user goes through, plainly and wrapped.

use std::time::{Duration, Instant};

use anyloop::{PoolExt, async_wrap, pool, try_gather, yield_now};
use argon2::password_hash::{Error, PasswordHasher, PasswordVerifier};
use argon2::{Argon2, Params};

use crate::lateness::{Lateness, beside};

/// Blocks for as long as the cost says: it computes.
#[async_wrap]
fn hash(password: &str, cost: &Params) -> Result<String, Error> {
    Ok(Argon2::from(cost).hash_password(password.as_bytes())?.to_string())
}

/// Blocks for as long: the hash is made once more, at the cost that is written in it.
#[async_wrap]
fn verify(password: &str, hash: &str) -> Result<bool, Error> {
    match Argon2::default().verify_password(password.as_bytes(), hash) {
        Ok(()) => Ok(true),
        Err(Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(error),
    }
}

/// How it went.
#[derive(Debug)]
pub(crate) struct Report {
    /// Users whose hash takes their password, and not another one.
    pub(crate) verified: usize,
    pub(crate) took: Duration,
    pub(crate) lateness: Lateness,
}

/// One user after the other, on the event loop's own thread.
pub(crate) async fn plain(users: usize, cost: &Params) -> Result<Report, Error> {
    report(async {
        let mut verified = Vec::new();
        for user in 0..users {
            let hash = hash(&password(user), cost).run()?;
            // As between two requests: the loop has a turn.
            yield_now().await;
            let own = verify(&password(user), &hash).run()?;
            yield_now().await;
            let other = verify(&password(user + 1), &hash).run()?;
            yield_now().await;
            verified.push(own && !other);
        }
        Ok(verified)
    })
    .await
}

/// All users at once. `jobs` calls run at a time: each takes a core and its memory, and none is
/// faster for waiting beside others.
pub(crate) async fn wrapped(users: usize, cost: &Params, jobs: usize) -> Result<Report, Error> {
    let few = &pool().limit(jobs);
    let enrol = |user| async move {
        let hash = hash(&password(user), cost).on(few).await?;
        let own = verify(&password(user), &hash).on(few).await?;
        let other = verify(&password(user + 1), &hash).on(few).await?;
        Ok(own && !other)
    };
    report(async { try_gather((0..users).map(enrol)).await }).await
}

async fn report(enrolment: impl Future<Output = Result<Vec<bool>, Error>>) -> Result<Report, Error> {
    let began = Instant::now();
    let (verified, lateness) = beside(enrolment).await;
    let verified = verified?.into_iter().filter(|verified| *verified).count();
    Ok(Report { verified, took: began.elapsed(), lateness })
}

fn password(user: usize) -> String {
    format!("the horse of user {user} is correct")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_takes_its_own_password_alone_and_says_its_cost() {
        let cost = Params::new(16, 3, 1, None).unwrap();
        let hashed = hash("a", &cost).run().unwrap();
        assert!(hashed.starts_with("$argon2id$v=19$m=16,t=3,p=1$"), "{hashed}");
        assert_eq!((verify("a", &hashed).run(), verify("b", &hashed).run()), (Ok(true), Ok(false)));
        assert_ne!(hash("a", &cost).run().unwrap(), hashed, "every hash has a salt of its own");
        assert_eq!(verify("a", "no hash").run(), Err(Error::EncodingInvalid));
    }
}
