//! The grammar of `select!`, as tokio and futures have it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, TokenStreamExt, quote};
use syn::parse::{Parse, ParseStream};
use syn::visit::{self, Visit};
use syn::{Expr, ExprAsync, ExprClosure, Item, Macro, Pat, Stmt, Token};

use super::awaiting::biased;
use super::mentions;
use crate::frame;

/// The arguments of `select!`.
pub(super) struct Select {
    /// `biased;`
    biased: Option<(Ident, Token![;])>,
    pub(super) arms: Vec<Arm>,
}

/// One arm: `HEAD => HANDLER,`
pub(super) struct Arm {
    pub(super) head: Head,
    arrow: Token![=>],
    pub(super) handler: Expr,
}

/// What stands before the arrow.
pub(super) enum Head {
    Branch(Box<Branch>),
    /// `else`
    Else(Token![else]),
    /// `complete` or `default`
    Word(Ident),
}

/// `PATTERN = FUTURE, if CONDITION`
pub(super) struct Branch {
    pattern: Pat,
    equals: Token![=],
    pub(super) future: Expr,
    pub(super) condition: Option<(Token![,], Token![if], Expr)>,
}

impl Parse for Select {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let biased = biased(input)?;
        let mut arms = Vec::new();
        while !input.is_empty() {
            let arm: Arm = input.parse()?;
            let is_block = matches!(arm.handler, Expr::Block(_));
            arms.push(arm);
            if input.parse::<Option<Token![,]>>()?.is_none() && !is_block && !input.is_empty() {
                return Err(input.error("expected `,`"));
            }
        }
        Ok(Self { biased, arms })
    }
}

impl Parse for Arm {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        Ok(Self {
            head: input.parse()?,
            arrow: input.parse()?,
            handler: Expr::parse_with_earlier_boundary_rule(input)?,
        })
    }
}

impl Parse for Head {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(Token![else]) {
            return Ok(Self::Else(input.parse()?));
        }
        if input.peek2(Token![=>]) {
            return Ok(Self::Word(input.parse()?));
        }
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        let equals = input.parse()?;
        let future = input.parse()?;
        let has_condition = input.peek(Token![,]) && input.peek2(Token![if]);
        let condition = has_condition
            .then(|| Ok::<_, syn::Error>((input.parse()?, input.parse()?, input.parse()?)))
            .transpose()?;
        Ok(Self::Branch(Box::new(Branch {
            pattern,
            equals,
            future,
            condition,
        })))
    }
}

impl Select {
    /// Whether it has something that only tokio's macro has.
    pub(super) fn is_tokios(&self) -> bool {
        self.biased.is_some()
            || self.arms.iter().any(|arm| match &arm.head {
                Head::Branch(branch) => branch.condition.is_some(),
                Head::Else(_) => true,
                Head::Word(_) => false,
            })
    }

    /// Whether all that is done before it begins to await is done at once: none of its branches awaits something to make its
    /// future, or leaves the function.
    pub(super) fn is_simple(&self) -> bool {
        !self.arms.iter().any(|arm| match &arm.head {
            Head::Branch(branch) => {
                let condition = branch.condition.as_ref();
                leaves(&branch.future) || condition.is_some_and(|(.., wanted)| leaves(wanted))
            }
            Head::Else(_) | Head::Word(_) => false,
        })
    }
}

impl Arm {
    /// Puts a statement before all others of the handler.
    pub(super) fn begin_with(&mut self, statement: TokenStream) {
        let statement = Stmt::Expr(Expr::Verbatim(statement), None);
        match &mut self.handler {
            Expr::Tuple(unit) if unit.elems.is_empty() => {
                self.handler = Expr::Verbatim(frame::braces(quote!(#statement)));
            }
            Expr::Block(block) if block.attrs.is_empty() && block.label.is_none() => {
                block.block.stmts.insert(0, statement);
            }
            handler => {
                // Whatever it borrows from temporaries ends with the arm in any edition.
                *handler = Expr::Verbatim(frame::braces(quote!(#statement #handler)));
            }
        }
    }
}

impl ToTokens for Select {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        if let Some((mark, semicolon)) = &self.biased {
            tokens.extend(quote!(#mark #semicolon));
        }
        for Arm {
            head,
            arrow,
            handler,
        } in &self.arms
        {
            match head {
                Head::Branch(branch) => branch.to_tokens(tokens),
                Head::Else(token) => token.to_tokens(tokens),
                Head::Word(word) => tokens.append(word.clone()),
            }
            tokens.extend(quote!(#arrow #handler,));
        }
    }
}

impl ToTokens for Branch {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self {
            pattern,
            equals,
            future,
            condition,
        } = self;
        tokens.extend(quote!(#pattern #equals #future));
        if let Some((comma, token, condition)) = condition {
            tokens.extend(quote!(#comma #token #condition));
        }
    }
}

/// Whether something in `expression` awaits, or leaves it for another place than its end.
fn leaves(expression: &Expr) -> bool {
    struct Search(bool);
    impl Visit<'_> for Search {
        fn visit_expr(&mut self, node: &Expr) {
            self.0 |= matches!(
                node,
                Expr::Await(_)
                    | Expr::Try(_)
                    | Expr::Return(_)
                    | Expr::Break(_)
                    | Expr::Continue(_)
            );
            visit::visit_expr(self, node);
        }
        fn visit_macro(&mut self, node: &Macro) {
            let words = ["await", "return", "break", "continue", "?"];
            self.0 |= mentions(node.tokens.clone(), &words);
        }
        fn visit_expr_async(&mut self, _: &ExprAsync) {}
        fn visit_expr_closure(&mut self, _: &ExprClosure) {}
        fn visit_item(&mut self, _: &Item) {}
    }
    let mut search = Search(false);
    search.visit_expr(expression);
    search.0
}
