//! Python source texts: parsing, the statements of a scope, what they bind, and whether two are the same.

mod binding;
mod compare;
mod depth;
mod item;
mod paths;
mod text;

pub(crate) use binding::{Bound, mangle};
pub(crate) use compare::{
    same_body, same_decorators, same_expr, same_header, same_optional, same_statements, same_type_params,
};
pub(crate) use item::{Enclosing, Item, branches, groups, is_main_block, is_type_checking, items_of};
pub(crate) use paths::bound_at_times;
pub(crate) use text::Source;
