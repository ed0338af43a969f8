//! What an instruction does to the flow of control, alike in all versions.

use super::Op;

impl Op {
    /// Whether the next instruction is never reached from this one.
    #[must_use]
    pub fn ends_flow(self) -> bool {
        use Op::{
            JumpAbsolute, JumpBackward, JumpBackwardNoInterrupt, JumpForward, RaiseVarargs, Reraise,
            ReturnConst, ReturnValue,
        };
        let jumps = matches!(self, JumpForward | JumpAbsolute | JumpBackward | JumpBackwardNoInterrupt);
        jumps || matches!(self, ReturnValue | ReturnConst | RaiseVarargs | Reraise)
    }

    /// Whether the instruction pushes a block that catches exceptions (3.10 and older).
    #[must_use]
    pub fn sets_up_block(self) -> bool {
        matches!(self, Op::SetupFinally | Op::SetupWith | Op::SetupAsyncWith)
    }

    /// The plain form of a load that tests or borrows: the compiler chooses among them
    /// separately for each copy of the same source.
    #[must_use]
    pub fn plain_load(self) -> Op {
        match self {
            Op::LoadFastBorrow | Op::LoadFastCheck => Op::LoadFast,
            other => other,
        }
    }
}
