//! Processor time of repeated work.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

const LEAST: Duration = Duration::from_millis(700);

/// Processor time of this thread: other load on the machine does not count.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Runs `work` over everything until enough time has passed; items per second in the
/// fastest round, for what disturbs a measurement only makes it slower.
pub fn rate<T>(items: &[T], mut work: impl FnMut(&T)) -> f64 {
    let begin = cpu_time();
    let mut fastest = Duration::MAX;
    while cpu_time() - begin < LEAST {
        let start = cpu_time();
        items.iter().for_each(&mut work);
        fastest = fastest.min(cpu_time() - start);
    }
    items.len() as f64 / fastest.as_secs_f64()
}
