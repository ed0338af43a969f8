//! Writes what was said on the command line into the header of a patch file, so that the file says
//! everything about itself and can travel.

use toml::de::DeTable;
use toml::{Table, Value};

const OPEN: &str = "# /// patch";
const CLOSE: &str = "# ///";

/// Header keys given beside the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    pub id: Option<String>,
    pub reason: Option<String>,
    /// Seconds since the epoch.
    pub expires: Option<f64>,
    pub renew: Vec<String>,
    pub clear_caches: bool,
    pub quiesce: Option<f64>,
    pub force: bool,
    pub strip: Option<u32>,
}

impl Overrides {
    /// The file's text with these keys in its header. A text without a header gets one, as its first lines
    /// (behind the lines that must stay first in a Python file).
    ///
    /// # Errors
    /// That the header is no TOML, or a time that no calendar has.
    pub fn write_into(&self, text: &str) -> Result<String, String> {
        if *self == Self::default() {
            return Ok(text.to_owned());
        }
        let lines: Vec<&str> = text.split_inclusive('\n').collect();
        let is = |wanted: &'static str| move |line: &&str| line.trim_end_matches(['\r', '\n']) == wanted;
        let open = lines.iter().position(is(OPEN));
        let close = open.and_then(|open| Some(open + 1 + lines[open + 1..].iter().position(is(CLOSE))?));
        let (before, inside, after) = match (open, close) {
            (Some(open), Some(close)) => (&lines[..open], &lines[open + 1..close], &lines[close + 1..]),
            _ => {
                let first = lines_that_stay_first(&lines);
                (&lines[..first], &lines[..0], &lines[first..])
            }
        };
        let table = self.merged(inside)?;
        Ok([before.concat(), block(&table)?, after.concat()].concat())
    }

    /// The same for a file that is TOML as a whole: the keys come first, in the place of those that it has.
    ///
    /// # Errors
    /// See [`Self::write_into`].
    pub fn write_into_toml(&self, text: &str) -> Result<String, String> {
        if *self == Self::default() {
            return Ok(text.to_owned());
        }
        let mut given = Table::new();
        self.set(&mut given)?;
        let known = DeTable::parse(text).map_err(|error| error.to_string())?;
        let mut rest = text.to_owned();
        let mut replaced: Vec<_> = known
            .get_ref()
            .iter()
            .filter(|(key, _)| given.contains_key(key.get_ref().as_ref()))
            .map(|(key, value)| key.span().start..value.span().end)
            .collect();
        replaced.sort_by_key(|span| std::cmp::Reverse(span.start));
        for span in replaced {
            let line = text[span.end..].find('\n').map_or(text.len(), |end| span.end + end + 1);
            rest.replace_range(span.start..line, "");
        }
        Ok(toml::to_string(&given).map_err(|error| error.to_string())? + &rest)
    }

    fn merged(&self, inside: &[&str]) -> Result<Table, String> {
        let plain = |line: &&str| {
            let line = line.strip_prefix('#').unwrap_or(line);
            line.strip_prefix(' ').unwrap_or(line).to_owned()
        };
        let text: String = inside.iter().map(plain).collect();
        let mut table: Table = text.parse().map_err(|error| format!("the header is no TOML: {error}"))?;
        self.set(&mut table)?;
        Ok(table)
    }

    fn set(&self, table: &mut Table) -> Result<(), String> {
        let words = [("id", &self.id), ("reason", &self.reason)];
        for (key, value) in words {
            if let Some(value) = value {
                table.insert(key.into(), Value::String(value.clone()));
            }
        }
        if let Some(expires) = self.expires {
            table.insert("expires".into(), Value::Datetime(datetime(expires)?));
        }
        if let Some(strip) = self.strip {
            table.insert("strip".into(), Value::Integer(strip.into()));
        }
        if !self.renew.is_empty() {
            let names = self.renew.iter().cloned().map(Value::String).collect();
            table.insert("renew".into(), Value::Array(names));
        }
        if self.clear_caches {
            table.insert("clear-caches".into(), Value::Boolean(true));
        }
        if let Some(seconds) = self.quiesce {
            table.insert("quiesce".into(), Value::Float(seconds));
        }
        if self.force {
            table.insert("force".into(), Value::Boolean(true));
        }
        Ok(())
    }
}

fn block(table: &Table) -> Result<String, String> {
    let body = toml::to_string(table).map_err(|error| error.to_string())?;
    let lines = body.lines().map(|line| format!("# {line}\n").replace("# \n", "#\n"));
    Ok(format!("{OPEN}\n{}{CLOSE}\n", lines.collect::<String>()))
}

fn datetime(seconds: f64) -> Result<toml::value::Datetime, String> {
    let whole = std::time::Duration::try_from_secs_f64(seconds.max(0.0).round());
    let moment = whole.map_err(|error| error.to_string()).and_then(|since| {
        jiff::Timestamp::try_from(std::time::UNIX_EPOCH + since).map_err(|error| error.to_string())
    })?;
    moment.to_string().parse().map_err(|error| format!("{moment}: {error}"))
}

/// A `#!` line and an encoding declaration work in the first two lines only; a byte order mark first of all.
fn lines_that_stay_first(lines: &[&str]) -> usize {
    let stays = |line: &&&str| {
        let line = line.trim_start_matches('\u{feff}');
        line.starts_with("#!") || (line.starts_with('#') && line.contains("coding"))
    };
    lines.iter().take(2).take_while(stays).count()
}

#[cfg(test)]
mod tests {
    use super::Overrides;

    fn with_reason() -> Overrides {
        Overrides { reason: Some("a \"quoted\" reason".into()), ..Overrides::default() }
    }

    #[test]
    fn a_text_without_header_gets_one() {
        let text = with_reason().write_into("--- a/x.py\n+++ b/x.py\n").expect("writes");
        assert_eq!(text, "# /// patch\n# reason = 'a \"quoted\" reason'\n# ///\n--- a/x.py\n+++ b/x.py\n");
    }

    #[test]
    fn an_old_header_keeps_its_other_keys() {
        let given = "From abc\n# /// patch\n# requires = [\"a>=1\"]\n# reason = \"old\"\n# ///\n--- a\n";
        let text = with_reason().write_into(given).expect("writes");
        assert_eq!(text.matches("/// patch").count(), 1);
        assert!(text.starts_with("From abc\n# /// patch\n") && text.ends_with("# ///\n--- a\n"));
        assert!(text.contains("# requires = [\"a>=1\"]\n") && !text.contains("old"));
    }

    #[test]
    fn a_time_is_written_as_a_calendar_has_it() {
        let overrides = Overrides { expires: Some(1_900_000_000.2), ..Overrides::default() };
        let text = overrides.write_into("").expect("writes");
        assert_eq!(text, "# /// patch\n# expires = 2030-03-17T17:46:40Z\n# ///\n");
    }

    #[test]
    fn a_file_of_toml_gets_them_at_its_top() {
        let given = "module = 'm'\nreason = 'old'  # why\n[[edit]]\nnegate = true\n";
        let text = with_reason().write_into_toml(given).expect("writes");
        let expected = "reason = 'a \"quoted\" reason'\nmodule = 'm'\n[[edit]]\nnegate = true\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn first_lines_stay_first_and_nothing_given_changes_nothing() {
        let python = "#!/usr/bin/python\n# -*- coding: utf-8 -*-\nx = 1\n";
        let text = with_reason().write_into(python).expect("writes");
        assert!(text.starts_with("#!/usr/bin/python\n# -*- coding: utf-8 -*-\n# /// patch\n"), "{text}");
        assert_eq!(Overrides::default().write_into(python).expect("writes"), python);
    }
}
