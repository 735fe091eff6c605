//! Every order in which the calls to DynamoDB of several operations can come, with the code and the store of the product: no
//! model of either that could differ from them.
//!
//! A gate stands before each call. One operation at a time is let through its gate, until all are done; then the same again in
//! the next order, until none is left. Whatever the order, the results and both tables must be as if the operations had been
//! made one after the other, in some order: no session outlives what ended it, no code has two effects, and nobody gets in by
//! a password of before. In other runs a response is lost, or an operation ends before one of its calls.

mod gate;
mod operations;

use self::{
    gate::{Done, Fault, Scheduler},
    operations::{Operation, Operation::*, Rows, Stage},
};

/// What came of a run: which operations said that they did something, and every row.
type Outcome = (Vec<Option<bool>>, Rows);

/// Runs all operations, each call in the order that `scheduler` says.
async fn run(stage: &Stage, operations: &[Operation], scheduler: &mut Scheduler) -> Outcome {
    stage.reset().await;
    let (sender, mut signals) = tokio::sync::mpsc::unbounded_channel();
    let start = |(index, operation): (usize, &Operation)| {
        stage.actors[index].waits(Some(sender.clone()));
        let (operation, tables, done) = (*operation, stage.tables(index), sender.clone());
        tokio::spawn(async move {
            // Also where it panics, which the scheduler would else wait for.
            let _done = Done(done);
            operation.run(of(index), tables).await
        })
    };
    let tasks: Vec<_> = operations.iter().enumerate().map(start).collect();
    let ended = scheduler.drive(operations.len(), &mut signals).await;
    let mut results = Vec::new();
    for (index, task) in tasks.into_iter().enumerate() {
        if ended == Some(index) {
            task.abort();
            results.push(None);
        } else {
            results.push(task.await.unwrap());
        }
    }
    (results, stage.rows().await)
}

/// What comes of those of the operations that `made` names, one after the other, in each order.
async fn one_after_the_other(stage: &Stage, operations: &[Operation], made: &[usize]) -> Vec<Outcome> {
    let mut outcomes = Vec::new();
    for order in orders(made) {
        stage.reset().await;
        stage.actors.iter().for_each(|actor| actor.waits(None));
        let mut results = vec![None; operations.len()];
        for index in order {
            results[index] = operations[index].run(of(index), stage.tables(index)).await;
        }
        outcomes.push((results, stage.rows().await));
    }
    outcomes
}

fn of(index: usize) -> u8 {
    u8::try_from(index).unwrap()
}

/// Every order of these.
fn orders(of: &[usize]) -> Vec<Vec<usize>> {
    let Some((first, others)) = of.split_first() else { return vec![Vec::new()] };
    let places = |order: Vec<usize>| {
        (0..=order.len()).map(move |place| {
            let mut order = order.clone();
            order.insert(place, *first);
            order
        })
    };
    orders(others).into_iter().flat_map(places).collect()
}

/// Makes every run there is, with this fault in every place where it can be; says how many they were.
async fn every_run(stage: &Stage, operations: &[Operation], fault: Fault) -> usize {
    let all: Vec<usize> = (0..operations.len()).collect();
    let whole = one_after_the_other(stage, operations, &all).await;
    for index in &all {
        assert!(whole.iter().any(|(results, _)| results[*index].is_some()), "{operations:?}");
    }
    let (mut runs, mut scheduler) = (0, Scheduler::new(fault));
    loop {
        let (results, rows) = run(stage, operations, &mut scheduler).await;
        runs += 1;
        let all_were_told = results.iter().all(Option::is_some);
        assert!(
            fault != Fault::None || all_were_told,
            "without a fault the store fails: {operations:?} {results:?}"
        );
        let keys = stage.keys().await;
        for purpose in operations
            .iter()
            .zip(&results)
            .filter_map(|(one, did)| one.uses_up().filter(|_| *did == Some(true)))
        {
            assert!(
                !keys.contains(stage.code_of(purpose)),
                "the code is still there: {operations:?} {scheduler}"
            );
        }
        let is_so = |(expected, state): &Outcome| {
            // An operation that was not told may have done something all the same, and one that withdraws and finds nothing
            // may have ended it by a call whose answer was lost.
            let is_told = |index: usize| {
                let finds_nothing = operations[index] == WithdrawRecovery && results[index] == Some(false);
                results[index].is_some() && !(finds_nothing && fault == Fault::LostResponse)
            };
            let mut told = all.iter().filter(|index| is_told(**index));
            told.all(|index| results[*index] == expected[*index]) && *state == rows
        };
        let mut found = whole.iter().any(is_so);
        if !found && let Some(without) = results.iter().position(Option::is_none) {
            // Or nothing.
            let others: Vec<usize> = all.iter().copied().filter(|index| *index != without).collect();
            let outcomes = one_after_the_other(stage, operations, &others).await;
            found = outcomes.contains(&(results.clone(), rows.clone()));
        }
        assert!(found, "as if in no order: {operations:?} {scheduler}: {results:?}\n{rows:?}");
        if !scheduler.next() {
            // Two operations of one call each have two orders, and those of more calls more.
            assert!(runs >= operations.len(), "{operations:?}: {runs}");
            return runs;
        }
    }
}

const ALL: [Operation; 17] = [
    LogIn,
    LogInAndUpgrade,
    LogOut,
    ChangePassword,
    Refresh,
    Recover,
    Register,
    Disable,
    Enable,
    SetPassword,
    Delete,
    CreateBob,
    DeleteBob,
    RenameBob,
    AllowRecovery,
    WithdrawRecovery,
    InviteAgain,
];

/// Each operation with itself and with each other.
fn pairs() -> impl Iterator<Item = [Operation; 2]> {
    let with = |(index, one)| ALL.into_iter().skip(index).map(move |other| [one, other]);
    ALL.into_iter().enumerate().flat_map(with)
}

#[tokio::test]
async fn any_two_operations_at_once_are_as_if_one_after_the_other() {
    let (stage, mut runs) = (Stage::new().await, 0);
    for pair in pairs() {
        runs += every_run(&stage, &pair, Fault::None).await;
    }
    assert!(runs > 600, "{runs} runs");
}

/// Alone each does something, or the tests of several prove little.
#[tokio::test]
async fn each_operation_does_something() {
    let stage = Stage::new().await;
    for operation in ALL {
        let needs_bob = matches!(operation, DeleteBob | RenameBob);
        let operations = if needs_bob { vec![CreateBob, operation] } else { vec![operation] };
        let all: Vec<_> = (0..operations.len()).collect();
        let outcomes = one_after_the_other(&stage, &operations, &all).await;
        assert!(outcomes.iter().any(|(results, _)| results.last() == Some(&Some(true))), "{operation:?}");
    }
}

#[tokio::test]
async fn a_lost_response_or_an_end_in_the_middle_makes_no_difference() {
    let stage = Stage::new().await;
    for pair in [[Recover, LogIn], [Recover, ChangePassword], [Recover, Disable], [Register, InviteAgain]] {
        for fault in [Fault::LostResponse, Fault::Crash] {
            every_run(&stage, &pair, fault).await;
        }
    }
}

#[tokio::test]
async fn three_operations_at_once_are_as_if_one_after_the_other() {
    let stage = Stage::new().await;
    for group in [[LogIn, Recover, Disable], [LogIn, Recover, Delete], [Register, InviteAgain, DeleteBob]] {
        every_run(&stage, &group, Fault::None).await;
    }
}

/// Every three there are, and every two with every fault: CONTRIBUTING.md says when to run it, and how long it takes.
#[tokio::test]
#[ignore = "takes long"]
async fn any_three_operations_at_once_and_any_two_with_a_fault_are_as_if_one_after_the_other() {
    let (stage, mut runs) = (Stage::new().await, 0);
    for pair in pairs() {
        for fault in [Fault::LostResponse, Fault::Crash] {
            runs += every_run(&stage, &pair, fault).await;
        }
        let from = ALL.iter().position(|operation| *operation == pair[1]).unwrap();
        for third in ALL.into_iter().skip(from) {
            runs += every_run(&stage, &[pair[0], pair[1], third], Fault::None).await;
        }
    }
    assert!(runs > 10_000, "{runs} runs");
    eprintln!("{runs} runs");
}
