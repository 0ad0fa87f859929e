//! Schedules, killing, clocks.

use super::*;

type Log = Arc<Mutex<Vec<u64>>>;

/// Who came when, of tasks that sleep and give way.
fn run(seed: u64) -> (Vec<u64>, Duration) {
    let (executor, log) = (Executor::new(seed), Log::default());
    let process = executor.process();
    for task in 0..6 {
        let (clock, log) = (process.clone(), Arc::clone(&log));
        process.spawn(Box::pin(async move {
            for round in 0..3 {
                log.lock().unwrap().push(task * 10 + round);
                clock.sleep(Duration::from_millis(round)).await;
            }
        }));
    }

    executor.run_for(Duration::from_secs(1));

    let log = log.lock().unwrap().clone();
    (log, executor.now())
}

#[test]
fn a_seed_gives_one_schedule_and_another_seed_another() {
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
    assert_eq!(run(1).0.len(), 18);
    assert_eq!(run(1).1, Duration::from_secs(1));
}

#[test]
fn what_is_killed_goes_no_further_and_begins_nothing() {
    let executor = Executor::new(1);
    let (one, other) = (executor.process(), executor.process());
    let log = Log::default();
    for (number, process) in [(1, &one), (2, &other)] {
        let (clock, log) = (process.clone(), Arc::clone(&log));
        process.spawn(Box::pin(async move {
            clock.sleep(Duration::from_millis(5)).await;
            log.lock().unwrap().push(number);
        }));
    }
    executor.run_for(Duration::from_millis(1));

    one.kill();
    let late = Arc::clone(&log);
    one.spawn(Box::pin(async move { late.lock().unwrap().push(3) }));
    executor.run_for(Duration::from_millis(10));

    assert_eq!(*log.lock().unwrap(), [2]);
}

#[test]
fn clocks_of_processes_can_differ() {
    let executor = Executor::new(1);
    let (one, other) = (executor.process(), executor.process());

    one.step_clock(-3_600_000);
    executor.run_for(Duration::from_millis(7));

    assert_eq!(other.now().0 - one.now().0, 3_600_000);
    assert_eq!(other.now().0 - BEGIN_MS, 7);
    assert_eq!(one.monotonic(), other.monotonic());
}

#[test]
fn a_future_that_never_ends_is_given_up() {
    let executor = Executor::new(1);
    let clock = executor.process();
    let soon = clock.sleep(Duration::from_secs(1));

    assert_eq!(executor.block_on(Duration::from_secs(2), soon), Some(()));
    let never = std::future::pending::<()>();
    assert_eq!(executor.block_on(Duration::from_secs(2), never), None);
    assert_eq!(executor.now(), Duration::from_secs(3));
}
