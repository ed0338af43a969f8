//! Stack signatures: what an instruction takes and leaves, parsed from the notation of
//! `tables/signatures.py`.

/// What a stack signature says about one value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// `o`: any object.
    Object,
    /// `N`: NULL.
    Null,
    /// `m`: an object or NULL.
    MaybeNull,
    /// `i`: an iterator.
    Iterator,
    /// `v`: the lower half of a two-slot iterator.
    VirtualIterator,
    /// `V`: the upper half of a two-slot iterator.
    IteratorIndex,
    /// `I`: that, or NULL.
    IndexOrNull,
    /// `l`: a list.
    List,
    /// `d`: a dict.
    Dict,
    /// `D`: a dict or NULL.
    DictOrNull,
    /// `t`: a tuple.
    Tuple,
    /// `T`: a constant tuple of strings.
    Names,
    /// `s`: a string.
    Str,
    /// `n`: an int.
    Int,
    /// `c`: a code object.
    Code,
    /// `f`: a function.
    Function,
    /// `F`: a function that may still lack its closure.
    OpenFunction,
    /// `C`: a tuple of cells.
    Cells,
    /// `b`: `True` or `False`.
    Bool,
    /// `B`: `True` or `False` where the version does not convert, else any object.
    Condition,
    /// `x`: an exception.
    Exception,
    /// `p`: the exception handled before.
    Previous,
    /// `e`, `w`: traceback and value of an exception whose type lies above them (3.10 and older).
    ExceptionTraceback,
    /// See [`Want::ExceptionTraceback`].
    ExceptionValue,
    /// `q`, `u`: the same of the exception handled before.
    PreviousTraceback,
    /// See [`Want::PreviousTraceback`].
    PreviousValue,
    /// `L`: the offset of the instruction that raised.
    Lasti,
    /// `y`: an exception or `None`.
    MaybeException,
}

/// How often a value stands in a signature, by the operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Times {
    Once,
    Arg,
    TwiceArg,
    LowByte,
    HighBytes,
    Bit(u32),
}

/// A value of a signature with its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// What the value must be, or is.
    pub want: Want,
    times: Times,
}

impl Item {
    /// How many such values the operand asks for.
    #[must_use]
    pub fn count(self, arg: u32) -> u32 {
        match self.times {
            Times::Once => 1,
            Times::Arg => arg,
            Times::TwiceArg => arg.saturating_mul(2),
            Times::LowByte => arg & 0xff,
            Times::HighBytes => arg >> 8,
            Times::Bit(mask) => u32::from(arg & mask != 0),
        }
    }
}

/// What an instruction does to the stack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signature {
    /// Values taken, bottom first.
    pub inputs: Vec<Item>,
    /// Values left, bottom first.
    pub outputs: Vec<Item>,
    /// Values left on the way to the target, where that differs.
    pub jump_outputs: Option<Vec<Item>>,
    /// A value that must lie `arg` below the top after the pops, and how many further
    /// down an object must lie.
    pub peek: Option<(Want, u32)>,
    fixed: Option<(u32, u32)>,
    /// So many inputs, from the bottom, look like the outputs in their places.
    alike: usize,
}

impl Signature {
    /// Reads the notation; `None` if it is malformed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (body, peek) = match text.split_once('@') {
            Some((body, peek)) => (body, Some(parse_peek(peek)?)),
            None => (text, None),
        };
        let (inputs, outputs) = body.split_once("--")?;
        let (outputs, jump_outputs) = match outputs.split_once('/') {
            Some((plain, jumping)) => (plain, Some(parse_items(jumping)?)),
            None => (outputs, None),
        };
        let (inputs, outputs) = (parse_items(inputs)?, parse_items(outputs)?);
        let constant = |items: &[Item]| items.iter().all(|item| item.times == Times::Once);
        let fixed =
            (constant(&inputs) && constant(&outputs)).then_some((inputs.len() as u32, outputs.len() as u32));
        let alike = inputs.iter().zip(&outputs).take_while(|(input, output)| input == output).count();
        Some(Self { inputs, outputs, jump_outputs, peek, fixed, alike })
    }

    /// Number of values taken and left (without a jump).
    #[must_use]
    pub fn counts(&self, arg: u32) -> (u32, u32) {
        self.fixed.unwrap_or_else(|| (total(&self.inputs, arg), total(&self.outputs, arg)))
    }

    /// Number of values taken by an instruction that leaves where they are those which look the same
    /// before and after it.
    #[must_use]
    pub fn taken_above_alike(&self, arg: u32) -> u32 {
        total(&self.inputs[self.alike..], arg)
    }

    /// Number of values left on the way to the target.
    #[must_use]
    pub fn jump_count(&self, arg: u32) -> u32 {
        total(self.jump_outputs.as_ref().unwrap_or(&self.outputs), arg)
    }
}

fn total(items: &[Item], arg: u32) -> u32 {
    let counts = items.iter().map(|item| item.count(arg));
    counts.fold(0, u32::saturating_add)
}

fn parse_items(text: &str) -> Option<Vec<Item>> {
    text.split_whitespace().map(parse_item).collect()
}

fn parse_item(word: &str) -> Option<Item> {
    let mut chars = word.chars();
    let want = parse_want(chars.next()?)?;
    let times = match chars.as_str() {
        "" => Times::Once,
        "*n" => Times::Arg,
        "*2n" => Times::TwiceArg,
        "*lo" => Times::LowByte,
        "*hi" => Times::HighBytes,
        rest => Times::Bit(rest.strip_prefix('?')?.parse().ok()?),
    };
    Some(Item { want, times })
}

fn parse_peek(text: &str) -> Option<(Want, u32)> {
    let mut chars = text.trim().chars();
    let want = parse_want(chars.next()?)?;
    let below = match chars.as_str() {
        "" => 0,
        digits => digits.parse().ok()?,
    };
    Some((want, below))
}

fn parse_want(letter: char) -> Option<Want> {
    Some(match letter {
        'o' => Want::Object,
        'N' => Want::Null,
        'm' => Want::MaybeNull,
        'i' => Want::Iterator,
        'v' => Want::VirtualIterator,
        'V' => Want::IteratorIndex,
        'I' => Want::IndexOrNull,
        'l' => Want::List,
        'd' => Want::Dict,
        'D' => Want::DictOrNull,
        't' => Want::Tuple,
        'T' => Want::Names,
        's' => Want::Str,
        'n' => Want::Int,
        'c' => Want::Code,
        'f' => Want::Function,
        'F' => Want::OpenFunction,
        'C' => Want::Cells,
        'b' => Want::Bool,
        'B' => Want::Condition,
        'x' => Want::Exception,
        'p' => Want::Previous,
        'e' => Want::ExceptionTraceback,
        'w' => Want::ExceptionValue,
        'q' => Want::PreviousTraceback,
        'u' => Want::PreviousValue,
        'L' => Want::Lasti,
        'y' => Want::MaybeException,
        _ => return None,
    })
}
