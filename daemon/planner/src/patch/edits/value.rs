//! Values of an edit patch as Python expressions: TOML's own values as literals, any other by
//! `{ py = "EXPRESSION" }`.

use super::super::reader::{Reader, Value};
use crate::error::Fault;
use crate::source::Source;
use crate::stack::with_deep_stack;
use ruff_python_ast::Stmt;
use toml::de::DeValue;

impl Reader<'_> {
    /// The Python expression of a value.
    pub(super) fn expression(&self, value: &Value<'_>) -> Result<String, Fault> {
        match value.get_ref() {
            DeValue::String(text) => Ok(quoted(text)),
            DeValue::Integer(_) => Ok(self.integer(value)?.to_string()),
            DeValue::Float(float) => {
                let number: Option<f64> = float.as_str().replace('_', "").parse().ok();
                number.map(float_literal).ok_or_else(|| self.wrong(value, "a number"))
            }
            DeValue::Boolean(true) => Ok("True".to_owned()),
            DeValue::Boolean(false) => Ok("False".to_owned()),
            DeValue::Array(items) => {
                let items = items.iter().map(|item| self.expression(item)).collect::<Result<Vec<_>, _>>()?;
                Ok(items.iter().map(|item| format!("{item}, ")).collect::<String>())
                    .map(|items| format!("({})", items.trim_end()))
            }
            DeValue::Table(table) => match table.iter().next() {
                Some((key, text)) if table.len() == 1 && key.get_ref() == "py" => {
                    self.python_expression(text)
                }
                _ => Err(self.wrong(value, "`{ py = \"EXPRESSION\" }`")),
            },
            DeValue::Datetime(_) => Err(self
                .wrong(value, "a value that Python code can hold")
                .hint("Write another value as an expression: `{ py = \"None\" }`.")),
        }
    }

    /// The text of a Python expression.
    fn python_expression(&self, value: &Value<'_>) -> Result<String, Fault> {
        let text = self.text(value)?;
        let parsed = with_deep_stack(|| {
            let source = Source::read(text.trim())?;
            Ok(matches!(source.body(), [Stmt::Expr(_)]))
        });
        let wrong = match parsed {
            Ok(true) => return Ok(text.trim().to_owned()),
            Ok(false) => "no expression".to_owned(),
            Err(Fault { message, .. }) => message,
        };
        Err(self
            .fault(&value.span(), format!("`{text}`: {wrong}"))
            .hint("Write a Python expression, such as `{ py = \"1 << 80\" }`."))
    }
}

fn float_literal(number: f64) -> String {
    if number.is_finite() { format!("{number:?}") } else { format!("float('{number}')") }
}

/// A text as a Python literal.
pub(super) fn quoted(text: &str) -> String {
    let mut literal = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => literal.extend(['\\', letter]),
            '\n' => literal.push_str("\\n"),
            letter if letter.is_control() => literal.push_str(&format!("\\U{:08x}", u32::from(letter))),
            letter => literal.push(letter),
        }
    }
    literal.push('"');
    literal
}

#[cfg(test)]
mod tests {
    use super::{float_literal, quoted};

    #[test]
    fn literals_are_those_of_python() {
        assert_eq!(quoted("a\"b\\c\nd\t"), r#""a\"b\\c\nd\U00000009""#);
        assert_eq!(float_literal(1.0), "1.0");
        assert_eq!(float_literal(-1e30), "-1e30");
        assert_eq!(float_literal(f64::INFINITY), "float('inf')");
    }
}
