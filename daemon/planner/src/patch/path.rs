//! From a path in a diff to the dotted name of a module.

/// Folders at the start of a path (or behind other ones of these) in which packages lie.
const ROOTS: [&str; 6] = ["src", "lib", "Lib", "python", "site-packages", "dist-packages"];
/// Of these, the ones that hold packages wherever they stand.
const ROOTS_ANYWHERE: [&str; 3] = ["src", "site-packages", "dist-packages"];
/// Folders at the top of a project that hold no code of a package.
const NO_CODE: [&str; 11] = [
    "tests",
    "test",
    "testing",
    "docs",
    "doc",
    "examples",
    "example",
    "benchmarks",
    "benchmark",
    "changelog",
    "changes",
];
/// Files at the top of a project that build, test or describe it.
const PROJECT_FILES: [&str; 4] = ["setup.py", "noxfile.py", "conftest.py", "fabfile.py"];

/// What a path in a diff stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Module(String),
    /// Tests, documents, project files, and what is not Python.
    PassedOver,
}

/// Finds the module of a path whose `a/` or `b/` is taken off already.
pub(crate) fn target(path: &str) -> Target {
    let Some(stem) = path.strip_suffix(".py") else { return Target::PassedOver };
    let parts: Vec<&str> = stem.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.is_empty() || has_hidden(&parts) || is_no_code(&parts) {
        return Target::PassedOver;
    }
    let parts = package_path(&parts);
    let name = module_name(parts);
    if is_no_code(parts) || !is_dotted_name(&name) {
        return Target::PassedOver;
    }
    Target::Module(name)
}

/// Whether a text is a dotted name of Python identifiers.
pub(crate) fn is_dotted_name(name: &str) -> bool {
    !name.is_empty() && name.split('.').all(is_identifier)
}

fn is_identifier(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_alphabetic())
        && chars.all(|c| c == '_' || c.is_alphanumeric())
}

fn has_hidden(parts: &[&str]) -> bool {
    parts.iter().any(|part| part.starts_with('.'))
}

/// Tests and documents, by folder and by file name.
fn is_no_code(parts: &[&str]) -> bool {
    let Some((file, folders)) = parts.split_last() else { return true };
    let with_suffix = format!("{file}.py");
    let project_file = folders.is_empty() && PROJECT_FILES.contains(&with_suffix.as_str());
    project_file
        || *file == "conftest"
        || file.starts_with("test_")
        || file.ends_with("_test")
        || folders.first().is_some_and(|first| NO_CODE.contains(first))
        || folders.contains(&"tests")
}

/// Takes off the folders that lie above the package.
fn package_path<'p, 's>(parts: &'p [&'s str]) -> &'p [&'s str] {
    let folders = parts.len() - 1;
    let marks_root = |part: &&str| ROOTS_ANYWHERE.contains(part) || !is_identifier(part);
    let mut start = parts[..folders].iter().rposition(marks_root).map_or(0, |i| i + 1);
    while start < folders && ROOTS.contains(&parts[start]) {
        start += 1;
    }
    &parts[start..]
}

fn module_name(parts: &[&str]) -> String {
    match parts.split_last() {
        Some((&"__init__", folders)) => folders.join("."),
        _ => parts.join("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_modules() {
        for (path, module) in [
            ("urllib3/util/retry.py", "urllib3.util.retry"),
            ("src/urllib3/__init__.py", "urllib3"),
            ("lib/sqlalchemy/orm/query.py", "sqlalchemy.orm.query"),
            ("Lib/email/utils.py", "email.utils"),
            ("numpy/lib/npyio.py", "numpy.lib.npyio"),
            ("sdk/core/src/azure/core.py", "azure.core"),
            ("sdk/core/azure-core/azure/core/rest.py", "azure.core.rest"),
            ("urllib3-1.26.16/src/urllib3/request.py", "urllib3.request"),
            ("lib/python3.11/site-packages/yaml/nodes.py", "yaml.nodes"),
            ("django/test/client.py", "django.test.client"),
            ("six.py", "six"),
            ("pkg/__main__.py", "pkg.__main__"),
        ] {
            assert_eq!(target(path), Target::Module(module.into()), "{path}");
        }
    }

    #[test]
    fn passes_over_what_is_no_code() {
        for path in [
            "tests/test_retry.py",
            "test/with_dummyserver.py",
            "testing/code.py",
            "src/pkg/tests/helper.py",
            "pkg/test_it.py",
            "pkg/it_test.py",
            "pkg/conftest.py",
            "docs/conf.py",
            "Lib/test/support.py",
            "setup.py",
            "noxfile.py",
            ".github/tool.py",
            "README.md",
            "pkg/_speedups.c",
            "pkg/stubs.pyi",
        ] {
            assert_eq!(target(path), Target::PassedOver, "{path}");
        }
    }
}
