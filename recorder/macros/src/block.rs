//! `traced!(async move { … })`: async blocks and closures, which no attribute can stand on.

use proc_macro2::Span;
use syn::parse::{Parse, ParseStream};
use syn::{Block, Error, Expr, ExprClosure, LitStr, Token};

use crate::args;
use crate::frame;
use crate::points::Name;
use crate::rewrite::{self, start_of, take};
use crate::runtime::Runtime;

/// The input of `traced!`: options, and what is to be traced.
pub(crate) struct Traced {
    name: Option<LitStr>,
    runtime: Option<syn::Path>,
    expression: Expr,
}

impl Parse for Traced {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut name = None;
        let mut runtime = None;
        if input.peek(Token![crate]) && input.peek2(Token![=]) {
            input.parse::<Token![crate]>()?;
            input.parse::<Token![=]>()?;
            runtime = Some(input.call(syn::Path::parse_mod_style)?);
            input.parse::<Token![,]>()?;
        }
        if input.peek(LitStr) {
            name = Some(args::not_empty(input.parse()?)?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if input.is_empty() {
            return Err(Error::new(Span::call_site(), USAGE));
        }
        let expression = input.parse()?;
        if !matches!(expression, Expr::Async(_) | Expr::Closure(_)) {
            return Err(Error::new_spanned(expression, USAGE));
        }
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error("`traced!` takes one async block or closure"));
        }
        Ok(Self {
            name,
            runtime,
            expression,
        })
    }
}

const USAGE: &str = "`traced!` takes an async block or closure, as in `traced!(async { … })` or \
     `traced!(\"name\", async move |x| { … })`; for any other future, call `.traced(\"name\")` on it";

impl Traced {
    /// The expression that it stands for.
    pub(crate) fn into_expression(self) -> syn::Result<Expr> {
        let name = match &self.name {
            Some(name) => Name::given(name),
            None => Name::of_block(),
        };
        let mut expression = self.expression;
        let place = start_of(&expression);
        match &mut expression {
            Expr::Async(_) => {
                let runtime = Runtime::find(self.runtime)?;
                rewrite::trace_block(&mut expression, &name, place, &runtime)?;
            }
            Expr::Closure(closure) if closure.asyncness.is_some() => {
                let runtime = Runtime::find(self.runtime)?;
                let body = body_of(closure);
                let points = rewrite::bracket_awaits(body, &name, &runtime)?;
                frame::enter(body, &name, place, &points, &runtime);
            }
            Expr::Closure(closure) if matches!(*closure.body, Expr::Async(_)) => {
                let runtime = Runtime::find(self.runtime)?;
                rewrite::trace_block(&mut closure.body, &name, place, &runtime)?;
            }
            other => return Err(Error::new_spanned(other, USAGE)),
        }
        Ok(expression)
    }
}

/// The body of a closure, as a block.
fn body_of(closure: &mut ExprClosure) -> &mut Block {
    if !matches!(&*closure.body, Expr::Block(block) if block.label.is_none()) {
        let body = take(&mut closure.body);
        *closure.body = syn::parse_quote!({ #body });
    }
    match &mut *closure.body {
        Expr::Block(block) => &mut block.block,
        _ => unreachable!("it was made one above"),
    }
}
