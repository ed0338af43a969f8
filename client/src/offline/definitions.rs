//! The qualnames of a text's functions and classes, read off its lines: good enough to name near misses,
//! and for nothing else.

/// The qualnames, in order; those inside functions are left out by depth of their indentation alone.
#[must_use]
pub fn qualnames(text: &str) -> Vec<String> {
    let mut open: Vec<(usize, &str)> = Vec::new();
    let mut names = Vec::new();
    for line in text.lines() {
        let body = line.trim_start();
        let Some(name) = defined(body) else { continue };
        let indentation = line.len() - body.len();
        while open.last().is_some_and(|(depth, _)| *depth >= indentation) {
            open.pop();
        }
        open.push((indentation, name));
        names.push(open.iter().map(|(_, name)| *name).collect::<Vec<_>>().join("."));
    }
    names
}

fn defined(line: &str) -> Option<&str> {
    let line = line.strip_prefix("async ").unwrap_or(line);
    let rest = line.strip_prefix("def ").or_else(|| line.strip_prefix("class "))?.trim_start();
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
    (end > 0).then(|| &rest[..end])
}

#[cfg(test)]
mod tests {
    use super::qualnames;

    #[test]
    fn reads_nested_definitions() {
        let text =
            "class A(B):\n    async def f(self):\n        pass\n\n    def g(self): pass\ndef h[T](x): ...\n";
        assert_eq!(qualnames(text), ["A", "A.f", "A.g", "h"]);
    }
}
