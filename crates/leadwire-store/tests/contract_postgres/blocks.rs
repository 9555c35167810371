//! How much of its tables the server looks at for a statement: what the statement is about, however much there is besides, and
//! however little the server knows yet of how much that is.

use crate::desk::{Desk, NOON, SECOND, at, contoso, done, idle, number, of_customer, settled};
use crate::engine;
use crate::merges::merge;
use leadwire_core::id::LeadId;
use leadwire_core::lane::Next;
use leadwire_core::limits;
use leadwire_core::outcome::Outcome;
use leadwire_store::accept::{Accept, Accepted};
use leadwire_store::lanes::{Claim, Settled, Turn};

/// Touchpoints of each customer.
const EACH: u128 = 3;
/// Customers whose touchpoints wait.
const CUSTOMERS: u128 = 900;
/// Most rows of parameters that come together here.
const GROUP: i64 = 256;
/// Blocks that a statement looks at for itself, and for each row that it is given, gives or changes: an index is a few blocks
/// deep, and a row that changes is in several of them.
const BLOCKS_MAX: (i64, i64) = (200, 50);

/// When the server last counted what is in the tables; it does so by itself now and then.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    Never,
    WithoutRows,
    WithOne,
    WithAll,
}

#[tokio::test]
async fn a_statement_looks_at_what_it_is_about_on_a_server_that_never_counted() {
    check(Counted::Never).await;
}

#[tokio::test]
async fn a_statement_looks_at_what_it_is_about_on_a_server_that_counted_nothing() {
    check(Counted::WithoutRows).await;
}

#[tokio::test]
async fn a_statement_looks_at_what_it_is_about_on_a_server_that_counted_one_lead() {
    check(Counted::WithOne).await;
}

#[tokio::test]
async fn a_statement_looks_at_what_it_is_about_on_a_server_that_counted_all() {
    check(Counted::WithAll).await;
}

async fn check(counted: Counted) {
    let desk = Desk::new().await;
    let count = |now: Counted| {
        if now == counted {
            engine::count(desk.folder.path())
        }
    };
    count(Counted::WithoutRows);
    desk.accept(of_customer(9_000_000, 1)).await;
    count(Counted::WithOne);
    let leads = fill(&desk).await;
    count(Counted::WithAll);
    // Some arrive, some fail, some wait for a person, and of some nobody knows; what is behind them is freed.
    let mut now = NOON;
    let token = desk.take(now).await;
    for _ in 0..5 {
        now += SECOND;
        let claims = desk.claim(token, 256, now).await;
        assert!(claims.len() > 100, "{} claims", claims.len());
        desk.turn(token, Turn { settled: ended(&claims, now), ..idle(now) }).await.unwrap();
    }
    // Others take over what the first had in hand, and wait for it; the last of them has a clock that is behind.
    let left = desk.claim(token, 256, now).await;
    assert!(left.len() > 100, "{} claims", left.len());
    let doubt = i64::try_from(limits::DOUBT.as_millis()).unwrap();
    for now in [now + SECOND, now + 3 * doubt, now] {
        let token = desk.take(now).await;
        let claims = desk.claim(token, 100, now).await;
        desk.turn(token, Turn { settled: ended(&claims, now), ..idle(now) }).await.unwrap();
    }
    assert!(desk.store.retry_parked(contoso(), number(1), 100, at(now)).await.unwrap() > 50);
    for (place, pair) in (1..).zip(leads.chunks(2).take(10)) {
        merge(&desk, pair[0], pair[1], 1_000_000 + 10 * place, true).await;
    }
    let statements = engine::statements(desk.folder.path());
    assert!(statements.len() > 40, "{} kinds of statement", statements.len());
    // A node makes its plans anew when it has committed little, and the server has counted nothing yet.
    let fresh = Desk::new().await;
    fresh.accept_all((1..=64).map(|it| of_customer(it, 1)).collect()).await;
    for desk in [&desk, &fresh] {
        check_who_looks_for_whom(desk, statements.iter().map(|it| it.0.as_str()));
    }
    let mut too_many = Vec::new();
    for (statement, calls, rows, blocks) in statements {
        let is_taking = statement.contains("attempts = ") && statement.contains("due_at > ");
        let given = match statement.contains("unnest(") {
            true => GROUP,
            // Whoever takes a lane looks at all of it that waits for a moment.
            false if is_taking => i64::try_from(EACH * CUSTOMERS).unwrap(),
            false => 0,
        };
        let bound = calls * BLOCKS_MAX.0 + rows.max(calls * given) * BLOCKS_MAX.1;
        if blocks > bound {
            too_many.push(format!("{calls} calls, {rows} rows, {blocks} blocks: {statement}"));
        }
    }
    assert!(too_many.is_empty(), "{}", too_many.join("\n"));
}

/// A statement for many rows goes by the rows: the other way round, through the table and for each row of it through what is asked
/// for, costs few blocks and grows with both. The server chooses that while it believes the table to be small.
fn check_who_looks_for_whom<'a>(desk: &Desk, statements: impl Iterator<Item = &'a str>) {
    let mut seen = 0;
    for statement in statements.filter(|it| it.contains(" AS bound(")) {
        let plan = engine::plan(desk.folder.path(), statement);
        let first = plan
            .iter()
            .find(|it| it.contains(" Scan ") && !it.contains("Subquery Scan"))
            .expect("the rows are read");
        assert!(first.contains("Function Scan on bound"), "{statement}\n{}", plan.join("\n"));
        seen += 1;
    }
    assert!(seen > 5, "{seen} statements for many rows");
}

/// Accepts what waits, in groups, and says whose it is.
async fn fill(desk: &Desk) -> Vec<LeadId> {
    let mut leads = Vec::new();
    for round in 0..EACH {
        for from in (0..CUSTOMERS).step_by(256) {
            let item = |customer: u128| Accept {
                identity: Some(customer.to_be_bytes()),
                ..of_customer(1 + round * CUSTOMERS + customer, 1)
            };
            let accepted = desk.accept_all((from..CUSTOMERS.min(from + 256)).map(item).collect()).await;
            let stored = accepted.into_iter().filter_map(|it| match it {
                Accepted::Stored { lead } if round == 0 => Some(lead),
                _ => None,
            });
            leads.extend(stored);
        }
    }
    leads
}

/// What comes of tries, in turn.
fn ended(claims: &[Claim], now: i64) -> Vec<Settled> {
    let one = |(place, claim): (usize, &Claim)| match place % 4 {
        0 => settled(*claim, done()),
        1 => settled(*claim, Next::Park),
        2 => settled(*claim, Next::RetryAt(at(now + SECOND))),
        _ => {
            let mut lost = settled(*claim, Next::RetryAt(at(now + SECOND)));
            lost.tried.outcome = Outcome::Unknown;
            lost
        }
    };
    claims.iter().enumerate().map(one).collect()
}
