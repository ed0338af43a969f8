//! Reads the keys of a header from TOML, with the place of each fault.

use super::block::Block;
use super::header::Header;
use super::reader::{Key, Reader, Value};
use crate::error::Fault;
use crate::patch::header::Processes;
use jiff::civil;
use jiff::tz::TimeZone;
use patchctl_protocol::digest::Digest;
use pep440_rs::VersionSpecifiers;
use pep508_rs::{Requirement, VerbatimUrl, VersionOrUrl};
use std::str::FromStr;
use toml::de::DeValue;

/// Every key of a header.
pub(super) const KEYS: [&str; 21] = [
    "id",
    "module",
    "enabled",
    "requires",
    "python",
    "fingerprint",
    "reason",
    "cve",
    "author",
    "url",
    "processes",
    "expires",
    "order",
    "replaces",
    "needs",
    "renew",
    "strip",
    "clear-caches",
    "clear_caches",
    "quiesce",
    "force",
];

/// Reads a header.
pub(super) fn read(block: &Block) -> Result<Header, Fault> {
    let (reader, table) = Reader::parse(block)?;
    let mut header = Header::default();
    for (key, value) in table.get_ref() {
        if !reader.set(&mut header, key, value)? {
            return Err(reader.unknown(&key.span(), key.get_ref(), &KEYS));
        }
    }
    Ok(header)
}

impl Reader<'_> {
    /// Takes over a key; whether it is one of a header.
    pub(super) fn set(&self, header: &mut Header, key: &Key<'_>, value: &Value<'_>) -> Result<bool, Fault> {
        match key.get_ref().as_ref() {
            "id" => header.id = Some(self.text(value)?),
            "module" => header.module = Some(self.module(value)?),
            "enabled" => header.enabled = self.boolean(value)?,
            "requires" => header.requires = self.requires(value)?,
            "python" => header.python = Some(self.python(value)?),
            "fingerprint" => header.fingerprint = self.fingerprint(value)?,
            "reason" => header.reason = Some(self.text(value)?),
            "cve" => header.cve = Some(self.list(value)?.join(", ")),
            "author" => header.author = Some(self.text(value)?),
            "url" => header.url = Some(self.text(value)?),
            "processes" => header.processes = self.processes(value)?,
            "expires" => header.expires = Some(self.time(value)?),
            "order" => header.order = self.integer(value)?,
            "replaces" => header.replaces = self.list(value)?,
            "needs" => header.needs = self.list(value)?,
            "renew" => header.renew = self.list(value)?,
            "strip" => header.strip = Some(self.count(value)?),
            "clear-caches" | "clear_caches" => header.clear_caches = self.boolean(value)?,
            "quiesce" => header.quiesce = Some(self.seconds(value)?),
            "force" => header.force = self.boolean(value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn seconds(&self, value: &Value<'_>) -> Result<f64, Fault> {
        let number = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            DeValue::Float(number) => number.as_str().parse().ok(),
            _ => None,
        };
        let seconds = number.filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0);
        seconds.ok_or_else(|| self.fault(&value.span(), "expected a number of seconds, 0 or more"))
    }

    fn count(&self, value: &Value<'_>) -> Result<u32, Fault> {
        u32::try_from(self.integer(value)?)
            .map_err(|_| self.fault(&value.span(), "expected a number of folders, 0 or more"))
    }

    fn module(&self, value: &Value<'_>) -> Result<String, Fault> {
        let name = self.text(value)?;
        if super::path::is_dotted_name(&name) {
            return Ok(name);
        }
        Err(self.fault(&value.span(), format!("`{name}` is not a dotted module name")))
    }

    fn python(&self, value: &Value<'_>) -> Result<VersionSpecifiers, Fault> {
        let text = self.text(value)?;
        VersionSpecifiers::from_str(&text).map_err(|error| {
            let reason = error.to_string();
            let first = reason.lines().next().unwrap_or_default();
            self.fault(&value.span(), format!("`{text}` is no version specifier: {first}"))
                .hint("Write it as in `python = \">=3.11,<3.14\"`.")
        })
    }

    fn requires(&self, value: &Value<'_>) -> Result<Vec<Requirement<VerbatimUrl>>, Fault> {
        let texts = self.list(value)?;
        texts.iter().map(|text| self.requirement(value, text)).collect()
    }

    fn requirement(&self, value: &Value<'_>, text: &str) -> Result<Requirement<VerbatimUrl>, Fault> {
        let hint = "Write it as in `requires = [\"urllib3>=1.26,<1.26.17\"]`.";
        let requirement = Requirement::<VerbatimUrl>::from_str(text).map_err(|error| {
            let reason = error.to_string();
            let first = reason.lines().next().unwrap_or_default().to_owned();
            self.fault(&value.span(), format!("`{text}` is no requirement: {first}")).hint(hint)
        })?;
        if matches!(requirement.version_or_url, Some(VersionOrUrl::Url(_))) {
            let message = format!("`{text}` names an address, where a version is needed");
            return Err(self.fault(&value.span(), message).hint(hint));
        }
        if !requirement.marker.is_true() {
            let message = format!("`{text}` has an environment marker");
            let hint = "Say it with the keys `python` and `processes`.";
            return Err(self.fault(&value.span(), message).hint(hint));
        }
        Ok(requirement)
    }

    fn fingerprint(&self, value: &Value<'_>) -> Result<std::collections::BTreeMap<String, Digest>, Fault> {
        let table = value.get_ref().as_table().ok_or_else(|| self.wrong(value, "a table"))?;
        let entry = |(key, value): (&Key<'_>, &Value<'_>)| {
            let text = self.text(value)?;
            let hex = text.strip_prefix("sha256:").unwrap_or_default();
            if hex.len() != 64 || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                let message = "a fingerprint is `sha256:` and 64 hexadecimal digits";
                return Err(self.fault(&value.span(), message));
            }
            Ok((key.get_ref().to_string(), Digest(text.to_ascii_lowercase())))
        };
        table.iter().map(entry).collect()
    }

    fn processes(&self, value: &Value<'_>) -> Result<Processes, Fault> {
        let table = value.get_ref().as_table().ok_or_else(|| self.wrong(value, "a table"))?;
        let mut processes = Processes::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "cmdline" => processes.cmdline = Some(self.glob(value)?),
                "prefix" => processes.prefix = Some(self.glob(value)?),
                "user" => processes.user = Some(self.text(value)?),
                name => {
                    return Err(self.unknown(&key.span(), name, &["cmdline", "user", "prefix"]));
                }
            }
        }
        Ok(processes)
    }

    fn glob(&self, value: &Value<'_>) -> Result<String, Fault> {
        let text = self.text(value)?;
        match globset::Glob::new(&text) {
            Ok(_) => Ok(text),
            Err(error) => Err(self.fault(&value.span(), format!("`{text}` is no pattern: {}", error.kind()))),
        }
    }

    /// A TOML date and time, or a string that holds one; without an offset it is the machine's local time.
    /// Seconds since the epoch.
    fn time(&self, value: &Value<'_>) -> Result<f64, Fault> {
        let text = match value.get_ref() {
            DeValue::Datetime(time) => time.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => return Err(self.wrong(value, "a date and time")),
        };
        seconds(&text).ok_or_else(|| {
            self.fault(&value.span(), format!("`{text}` is no date and time"))
                .hint("Write it as in `expires = 2030-01-31T12:00:00Z`.")
        })
    }
}

fn seconds(text: &str) -> Option<f64> {
    let timestamp = text.parse::<jiff::Timestamp>().or_else(|_| {
        let local = text.parse::<civil::DateTime>()?;
        local.to_zoned(TimeZone::system()).map(|zoned| zoned.timestamp())
    });
    timestamp.ok().map(jiff::Timestamp::as_duration).map(|duration| duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(toml: &str) -> Result<Header, Fault> {
        read(&Block { toml: toml.to_owned(), line: 2, indent: 2 })
    }

    #[test]
    fn reads_every_key() {
        let header = header(concat!(
            "id = 'a'\nmodule = 'pkg.mod'\nenabled = false\n",
            "requires = ['urllib3>=1.26,<1.26.17']\npython = '>=3.9'\n",
            "reason = 'r'\ncve = ['CVE-1', 'CVE-2']\nauthor = 'x'\nurl = 'u'\n",
            "expires = 1970-01-01T00:01:00Z\norder = -3\nreplaces = 'b'\nneeds = ['c']\n",
            "renew = ['all']\nstrip = 2\nclear-caches = true\nquiesce = 2.5\nforce = true\n",
            "[processes]\ncmdline = '*app*'\nuser = 'www'\nprefix = '/opt/*'\n",
            "[fingerprint]\n'C.m' = 'sha256:",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'\n",
        ))
        .expect("a header");
        assert_eq!(header.id.as_deref(), Some("a"));
        assert_eq!(header.expires, Some(60.0));
        assert_eq!((header.order, header.strip), (-3, Some(2)));
        assert_eq!(header.replaces, ["b"]);
        assert_eq!(header.cve.as_deref(), Some("CVE-1, CVE-2"));
        assert!(header.clear_caches && header.force && !header.enabled);
        assert_eq!(header.quiesce, Some(2.5));
        assert_eq!(header.fingerprint.len(), 1);
        assert_eq!(header.requires[0].to_string(), "urllib3>=1.26,<1.26.17");
    }

    #[test]
    fn names_place_and_nearest_key() {
        let fault = header("id = 'a'\nrequire = []\n").expect_err("unknown key");
        assert_eq!((fault.line, fault.column), (3, 3));
        assert_eq!(fault.hint.as_deref(), Some("Did you mean `requires`?"));
    }

    #[test]
    fn refuses_wrong_values() {
        for toml in [
            "id = 1",
            "order = 'x'",
            "strip = -1",
            "quiesce = -1",
            "quiesce = 'soon'",
            "requires = ['a b c']",
            "requires = ['a @ https://example.org/a.whl']",
            "requires = ['a; python_version < \"3\"']",
            "python = 'three'",
            "expires = 'soon'",
            "module = 'a-b'",
            "fingerprint = {f = 'sha256:12'}",
            "processes = {pid = 1}",
            "processes = {cmdline = '['}",
            "id = ",
        ] {
            let fault = header(toml).expect_err(toml);
            assert_eq!(fault.line, 2, "{toml}");
        }
    }
}
