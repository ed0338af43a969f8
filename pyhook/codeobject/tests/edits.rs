//! Edits by example: each case of `tests/edits/cases.json` (and of the optional collection
//! in `PATCHCTL_SHARED` or `../shared`) on every interpreter found: behaviour before,
//! behaviour after, warmed up and traced.

#![expect(clippy::print_stderr, reason = "says what was skipped and how many ran")]

mod interpreters;

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use interpreters::{Interpreter, interpreters};
use patchctl_codeobject::edit::{
    Access, DefaultsChange, Edit, EditError, InsertAt, NameKind, Nth, Place, RawInstruction, RawOperand,
    Source, Statement, apply_within, nested,
};
use patchctl_codeobject::marshal::{read_code, write_code};
use patchctl_codeobject::{CodeObject, Constant, Text, Version};
use serde_json::{Value, json};

struct Driver {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    version: Version,
}

impl Driver {
    fn start(interpreter: &Interpreter) -> Self {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/edits/driver.py");
        let mut child = Command::new(&interpreter.path)
            .args(["-B", "-W", "ignore", script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the interpreter starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        Self { child, stdin, stdout, version: interpreter.version }
    }

    fn ask(&mut self, request: &Value) -> Result<Value, String> {
        writeln!(self.stdin, "{request}").map_err(|error| error.to_string())?;
        let mut line = String::new();
        self.stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        let reply: Value = serde_json::from_str(&line).map_err(|_| "the interpreter died".to_string())?;
        match reply.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(reply),
        }
    }

    fn code(&mut self, request: &Value) -> Result<CodeObject, String> {
        let reply = self.ask(request)?;
        let hex = reply["code"].as_str().unwrap_or_default();
        let bytes = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16));
        let bytes: Result<Vec<u8>, _> = bytes.collect();
        read_code(&bytes.expect("hex"), self.version).map_err(|error| error.to_string())
    }

    fn statement(&mut self, code: &CodeObject, text: &str, new: &[Text]) -> Result<Box<Statement>, String> {
        let source = Statement::source(code, self.version, Source { text, ..Source::default() }, new);
        let module = self.code(&json!({ "compile": source }))?;
        Statement::from_module(&module).map(Box::new).map_err(|error| error.to_string())
    }

    fn constant(&mut self, value: &Value) -> Result<Constant, String> {
        Ok(match value {
            Value::Null => Constant::None,
            Value::Bool(value) => Constant::Bool(*value),
            Value::String(text) => Constant::from(text.as_str()),
            Value::Number(number) => match number.as_i64() {
                Some(value) => Constant::Int(value),
                None => Constant::float(number.as_f64().unwrap_or_default()),
            },
            other => {
                let code = self.code(&json!({ "constant": other["py"] }))?;
                code.consts[0].clone()
            }
        })
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn text(edit: &Value, key: &str) -> Text {
    Text::from(edit[key].as_str().unwrap_or_default())
}

fn place(edit: &Value) -> Place {
    let place = &edit["where"];
    let number = |key: &str| place[key].as_i64();
    Place {
        line: number("line").map(|line| line as i32),
        relline: number("relline").map(|line| line as i32 + 1),
        nth: match &place["nth"] {
            Value::Null => None,
            Value::String(_) => Some(Nth::All),
            nth => nth.as_i64().map(Nth::Index),
        },
        of: number("of").map(|of| of as usize),
        count: edit["count"].as_u64().map(|count| count as usize),
    }
}

fn insert_at(edit: &Value) -> InsertAt {
    match &edit["at"] {
        Value::String(at) if at == "entry" => InsertAt::Entry,
        Value::String(_) => InsertAt::Return(edit["value"].as_str().map(Text::from)),
        at => match (at["line"].as_i64(), at["after"].as_i64()) {
            (Some(line), _) => InsertAt::Line(line as i32),
            (None, line) => InsertAt::AfterLine(line.unwrap_or_default() as i32),
        },
    }
}

fn sequence(driver: &mut Driver, instructions: &Value) -> Result<Vec<RawInstruction>, String> {
    let instructions = instructions.as_array().into_iter().flatten();
    let made = instructions.map(|instruction| {
        let word = instruction[0].as_str().unwrap_or_default().to_string();
        let operand = raw_operand(driver, &word, &instruction[1])?;
        Ok(RawInstruction { word, operand })
    });
    made.collect()
}

fn raw_operand(driver: &mut Driver, word: &str, operand: &Value) -> Result<RawOperand, String> {
    let text = operand.as_str().unwrap_or_default();
    Ok(match (word, operand) {
        (_, Value::String(any)) if any == "_" => RawOperand::Any,
        (_, Value::String(name)) if name.starts_with('$') => RawOperand::Capture(name.clone()),
        ("const", value) => RawOperand::Value(driver.constant(value)?),
        ("binop" | "inplace" | "compare" | "unary", _) => RawOperand::Operator(text.to_string()),
        ("load" | "store" | "global" | "attr" | "method", _) => RawOperand::Name(Text::from(text)),
        (_, Value::String(label)) => RawOperand::Label(label.clone()),
        (_, Value::Number(number)) => RawOperand::Number(number.as_u64().unwrap_or_default() as u32),
        _ => RawOperand::None,
    })
}

/// The edit of a case; `code` is the function it is for, `new` the variables added so far.
fn edit(driver: &mut Driver, edit: &Value, code: &CodeObject, new: &mut Vec<Text>) -> Result<Edit, String> {
    let string = |key: &str| edit[key].as_str().unwrap_or_default().to_string();
    let (from, to, place) = (string("from"), string("to"), place(edit));
    let line = edit["line"].as_i64().unwrap_or_default() as i32;
    Ok(match edit["op"].as_str().unwrap_or_default() {
        "binop" => Edit::Binop { from, to, place },
        "unary" => Edit::Unary { from, to, place },
        "compare" => Edit::Compare { from, to, place },
        "negate" => Edit::Negate { place },
        "const" => {
            Edit::Const { from: driver.constant(&edit["from"])?, to: driver.constant(&edit["to"])?, place }
        }
        "name" => {
            let kind = match edit["kind"].as_str() {
                Some("attr") => Some(NameKind::Attr),
                Some("import") => Some(NameKind::Import),
                Some(_) => Some(NameKind::Global),
                None => None,
            };
            Edit::Name { kind, from: text(edit, "from"), to: text(edit, "to"), place }
        }
        "global_to_const" => {
            Edit::GlobalToConst { name: text(edit, "name"), value: driver.constant(&edit["value"])?, place }
        }
        "global_to_local" => {
            Edit::GlobalToLocal { name: text(edit, "name"), local: text(edit, "local"), place }
        }
        "local" => {
            let access = if edit["access"] == "store" { Access::Store } else { Access::Load };
            Edit::Local { from: text(edit, "from"), to: text(edit, "to"), access, place }
        }
        "add_arg" => {
            new.push(text(edit, "name"));
            Edit::AddArg { name: text(edit, "name"), default: driver.constant(&edit["default"])? }
        }
        "rename_arg" => {
            new.push(text(edit, "to"));
            Edit::RenameArg { from: text(edit, "from"), to: text(edit, "to") }
        }
        "swap_args" => Edit::SwapArgs { a: text(edit, "a"), b: text(edit, "b") },
        "insert" => {
            let at = insert_at(edit);
            let mut names = new.clone();
            names.extend(edit["value"].as_str().map(Text::from));
            Edit::Insert { at, statement: driver.statement(code, &string("stmt"), &names)? }
        }
        "remove_stmt" => Edit::RemoveStmt { line },
        "replace_stmt" => {
            Edit::ReplaceStmt { line, statement: driver.statement(code, &string("stmt"), new)? }
        }
        "raw" => {
            let pattern = sequence(driver, &edit["match"])?;
            Edit::Raw { pattern, replacement: sequence(driver, &edit["replace"])?, place }
        }
        other => return Err(format!("unknown edit {other}")),
    })
}

fn edited(driver: &mut Driver, case: &Value) -> Result<(CodeObject, Vec<DefaultsChange>), String> {
    let module = driver.code(&json!({ "compile": case["source"] }))?;
    let target = case["target"].as_str().unwrap_or_default();
    let path: Vec<Text> = target.split('.').map(Text::from).collect();
    let mut code = nested(&module, driver.version, &path).map_err(|error| error.to_string())?.clone();
    let original = code.clone();
    let mut defaults = Vec::new();
    let mut new = Vec::new();
    for value in case["edits"].as_array().into_iter().flatten() {
        let within = value["in"].as_array().into_iter().flatten();
        let within: Vec<Text> = within.filter_map(|name| name.as_str().map(Text::from)).collect();
        let inner = nested(&original, driver.version, &within).map_err(|error| error.to_string())?;
        let edit = edit(driver, value, inner, &mut new)?;
        let done = apply_within(&code, driver.version, &within, &[edit]);
        let done = done.map_err(|error: EditError| format!("refused: {error} {:?}", error.candidates()))?;
        code = done.code;
        defaults.extend(done.defaults);
    }
    Ok((code, defaults))
}

fn run(driver: &mut Driver, case: &Value) -> Result<(), String> {
    let result = edited(driver, case);
    if !case["must_raise"].is_null() {
        return match result {
            Err(error) if error.starts_with("refused") => Ok(()),
            other => Err(format!("should be refused: {:?}", other.map(|_| ()))),
        };
    }
    let (code, defaults) = result?;
    let hex: String = write_code(&code, driver.version)
        .ok_or("opaque constant")?
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let defaults: Vec<Value> = defaults
        .iter()
        .map(|change| match change {
            DefaultsChange::Append(Constant::Int(value)) => json!(["append", value]),
            DefaultsChange::Append(Constant::Str(value)) => json!(["append", value.to_string()]),
            DefaultsChange::Append(_) => json!(["append", null]),
            DefaultsChange::Rename(from, to) => json!(["rename", from.to_string(), to.to_string()]),
        })
        .collect();
    let reply = driver.ask(&json!({ "run": case, "code": hex, "defaults": defaults }))?;
    match reply["failures"].as_array() {
        Some(failures) if failures.is_empty() => Ok(()),
        _ => Err(reply.to_string()),
    }
}

fn check_all(cases: &[Value], name: &str) {
    let mut failures = Vec::new();
    for interpreter in interpreters() {
        let mut driver = Driver::start(&interpreter);
        let mut passed = 0;
        for case in cases {
            let least = case["min_version"].as_str().and_then(|v| v.split_once('.'));
            let least: u32 = least.and_then(|(_, minor)| minor.parse().ok()).unwrap_or(9);
            if interpreter.version.minor() < least {
                continue;
            }
            match run(&mut driver, case) {
                Ok(()) => passed += 1,
                Err(error) => {
                    failures.push(format!("{} {}: {error}", interpreter.version, case["id"]));
                    if error == "the interpreter died" {
                        driver = Driver::start(&interpreter);
                    }
                }
            }
        }
        eprintln!("{name} on {}: {passed} cases", interpreter.version);
    }
    assert!(failures.is_empty(), "{} failures:\n{}", failures.len(), failures.join("\n"));
}

fn cases(text: &str) -> Vec<Value> {
    let value: Value = serde_json::from_str(text).expect("JSON");
    value["cases"].as_array().cloned().unwrap_or_default()
}

#[test]
fn own_cases() {
    let own = cases(include_str!("edits/cases.json"));
    assert!(own.len() > 30, "only {} cases", own.len());
    check_all(&own, "own cases");
}

#[test]
fn shared_cases() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let shared = std::env::var_os("PATCHCTL_SHARED").map_or_else(|| root.join("../shared"), PathBuf::from);
    let Ok(text) = std::fs::read_to_string(shared.join("edits/cases.json")) else {
        eprintln!("skipped: no collection of edit samples in {}", shared.display());
        return;
    };
    check_all(&cases(&text), "shared cases");
}
