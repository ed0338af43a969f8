//! Times and durations as people write and read them. Points in time are seconds since the epoch.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, in seconds since the epoch.
#[must_use]
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// `2026-03-01 14:05:09` in the local time zone.
#[must_use]
pub fn local(seconds: f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "the cast saturates, and from_microsecond checks")]
    let stamp = Timestamp::from_microsecond((seconds * 1e6) as i64);
    stamp.map_or_else(
        |_| String::from("?"),
        |stamp| stamp.to_zoned(TimeZone::system()).strftime("%F %T").to_string(),
    )
}

/// `850 us`, `1.2 ms`.
#[must_use]
pub fn pause(microseconds: u64) -> String {
    if microseconds < 1000 {
        return format!("{microseconds} us");
    }
    format!("{}.{} ms", microseconds / 1000, microseconds % 1000 / 100)
}

/// Reads `90s`, `30m`, `2h`, `1d`, `2w`, or several of them together as in `1d12h`.
///
/// # Errors
/// What is wrong with the text, fit to follow the option's name.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration; write 90s, 30m, 2h, 1d, 2w or 1d12h");
    let mut total: u64 = 0;
    let mut number = String::new();
    for character in text.trim().chars() {
        if character.is_ascii_digit() {
            number.push(character);
            continue;
        }
        let unit = unit_seconds(character).ok_or_else(wrong)?;
        let count: u64 = number.parse().map_err(|_| wrong())?;
        total = count.checked_mul(unit).and_then(|part| total.checked_add(part)).ok_or_else(wrong)?;
        number.clear();
    }
    if !number.is_empty() || total == 0 {
        return Err(wrong());
    }
    Ok(Duration::from_secs(total))
}

fn unit_seconds(unit: char) -> Option<u64> {
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        'w' => Some(604_800),
        _ => None,
    }
}

/// Reads seconds with or without a fraction, as options such as `--wait` take them.
///
/// # Errors
/// What is wrong with the text.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("`{text}` is no number of seconds"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| format!("`{text}`: {error}"))
}

/// Whole milliseconds, as messages carry them.
#[must_use]
pub fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::{parse_duration, parse_seconds, pause};
    use std::time::Duration;

    #[test]
    fn durations() {
        for (text, seconds) in
            [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86_400), ("2w", 1_209_600), ("1d12h", 129_600)]
        {
            assert_eq!(parse_duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration() {
        for text in ["", "2", "h", "2x", "0s", "-1h", "2h3", "99999999999999999999h", "18446744073709551615w"]
        {
            assert!(parse_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds() {
        assert_eq!(parse_seconds("0.25"), Ok(Duration::from_millis(250)));
        for text in ["-1", "nan", "x", "1e300"] {
            assert!(parse_seconds(text).is_err(), "{text}");
        }
    }

    #[test]
    fn pauses() {
        assert_eq!(pause(850), "850 us");
        assert_eq!(pause(1250), "1.2 ms");
    }
}
