//! Writing an edit patch: keys and values of TOML, in the order in which they were given.

use toml::Value;

/// One `[[edit]]` table: keys with their values as they stand in the file.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<(&'static str, String)>);

impl Table {
    /// A table with one key, whose value is a list.
    pub fn of(key: &'static str, values: &[String]) -> Self {
        let mut table = Self::default();
        table.add_list(key, values);
        table
    }

    /// A table with one key.
    pub fn single(key: &'static str, value: &str) -> Self {
        Self(vec![(key, value.to_owned())])
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn extend(&mut self, other: &Self) {
        self.0.extend(other.0.iter().cloned());
    }

    pub fn add_list(&mut self, key: &'static str, values: &[String]) {
        self.0.push((key, format!("[{}]", values.join(", "))));
    }

    /// The table with one key more, if there is a value for it.
    pub fn with(mut self, key: &'static str, value: Option<String>) -> Self {
        self.0.extend(value.map(|value| (key, value)));
        self
    }

    /// The same for a text.
    pub fn with_text(self, key: &'static str, value: Option<&String>) -> Self {
        self.with(key, value.map(|value| text(value)))
    }
}

/// The whole file.
pub fn file(module: &str, function: &str, edits: &[Table]) -> String {
    let mut content = format!("module = {}\nfunction = {}\n", text(module), text(function));
    for Table(keys) in edits {
        content.push_str("\n[[edit]]\n");
        for (key, value) in keys {
            content.push_str(&format!("{key} = {value}\n"));
        }
    }
    content
}

/// A text as TOML.
pub fn text(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A Python expression as TOML: whole numbers and truth values as such.
pub fn expression(value: &str) -> String {
    match (value, value.parse::<i64>()) {
        (_, Ok(number)) => number.to_string(),
        ("True", _) => "true".to_owned(),
        ("False", _) => "false".to_owned(),
        _ => format!("{{ py = {} }}", text(value)),
    }
}
