//! The text of an awaited expression, as a person would have written it on one line.
//!
//! It is made from the expression's tokens, because stable Rust gives a macro no source text for more than one token, and because
//! source is broken over lines where a trace wants one. Tokens know no spaces, so spaces are put where rustfmt would put them:
//! `timeout(LIMIT, rx.recv())`, not `timeout (LIMIT , rx . recv ())`. Where that takes knowledge of types (`a < b` or `A<B>`?) a
//! guess is made from the names; a wrong one costs a space.

use std::iter::Peekable;

use proc_macro2::token_stream::IntoIter;
use proc_macro2::{Delimiter, Group, Punct, Spacing, TokenStream, TokenTree};

/// More characters than this, and the text is cut and ends in `…`.
const LIMIT: usize = 80;

/// The text of `expression`, of at most [`LIMIT`] characters.
pub(crate) fn of(expression: TokenStream) -> String {
    let mut printer = Printer::default();
    printer.stream(expression, false);
    cut(&printer.text)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(LIMIT - 1).collect();
    kept.push('…');
    kept
}

/// What was printed last, as far as it decides about the space after it.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Last {
    /// Nothing yet, or something that what follows is put next to: an opening parenthesis, `.`, `::`, the `&` of `&x`.
    #[default]
    Tight,
    /// Something that ends with a space: a comma, a binary operator, a keyword.
    Loose,
    /// A name, a literal, a closing parenthesis: a call attaches to it, and what might be a binary operator is one.
    Operand,
    /// The same, for a name that looks like a type's: a `<` after it opens generic arguments.
    TypeName,
    /// The `!` of a macro call.
    Bang,
}

/// The space before what is to be printed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gap {
    Never,
    /// If what stands before asks for it.
    AfterLoose,
    /// If what stands before allows it.
    UnlessTight,
}

#[derive(Default)]
struct Printer {
    text: String,
    last: Last,
    /// How many `<` of generic arguments are open in the current group.
    generics: usize,
    /// Whether a `|` has opened the parameters of a closure in the current group, and none has closed them.
    parameters: bool,
}

impl Printer {
    fn stream(&mut self, tokens: TokenStream, drop_last_comma: bool) {
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            // The rest would be cut off.
            if self.text.len() > 4 * LIMIT {
                return;
            }
            match token {
                TokenTree::Group(group) => self.group(&group),
                TokenTree::Ident(word) => self.word(&word.to_string()),
                TokenTree::Literal(literal) => {
                    let literal = on_one_line(&literal.to_string());
                    self.put(&literal, Gap::UnlessTight, Last::Operand);
                }
                TokenTree::Punct(first) => {
                    let operator = self.whole_operator(&first, &mut tokens);
                    let next = tokens.peek();
                    match (operator.as_str(), next) {
                        ("'", Some(TokenTree::Ident(name))) => {
                            self.put(&format!("'{name}"), Gap::UnlessTight, Last::Loose);
                            tokens.next();
                        }
                        ("!", Some(TokenTree::Group(_))) if self.after_operand() => {
                            self.put("!", Gap::Never, Last::Bang);
                        }
                        (",", None) if drop_last_comma => {}
                        (operator, _) => self.operator(operator),
                    }
                }
            }
        }
    }

    /// `first`, with the characters after it that belong to the same operator.
    fn whole_operator(&self, first: &Punct, rest: &mut Peekable<IntoIter>) -> String {
        let mut operator = String::from(first.as_char());
        // `>>` closes two lists of generic arguments.
        if self.generics > 0 && operator == ">" {
            return operator;
        }
        let mut spacing = first.spacing();
        while spacing == Spacing::Joint
            && let Some(TokenTree::Punct(next)) = rest.peek()
        {
            let longer = format!("{operator}{}", next.as_char());
            if !LONG_OPERATORS.contains(&longer.as_str()) {
                break;
            }
            operator = longer;
            spacing = next.spacing();
            rest.next();
        }
        operator
    }

    fn group(&mut self, group: &Group) {
        let content = group.stream();
        if group.delimiter() == Delimiter::None {
            // What a macro by example has put in for a `$name`: not visible in the source either.
            return self.stream(content, false);
        }
        let outer = (self.generics, self.parameters);
        (self.generics, self.parameters) = (0, false);
        let attaches = self.after_operand() || self.last == Last::Bang;
        let gap = if attaches {
            Gap::AfterLoose
        } else {
            Gap::UnlessTight
        };
        match group.delimiter() {
            Delimiter::Brace if content.is_empty() => {
                self.put("{}", Gap::UnlessTight, Last::Operand);
            }
            Delimiter::Brace => {
                self.put("{", Gap::UnlessTight, Last::Loose);
                self.stream(content, true);
                self.text.push_str(" }");
            }
            Delimiter::Bracket => {
                self.put("[", gap, Last::Tight);
                self.stream(content, true);
                self.text.push(']');
            }
            Delimiter::Parenthesis | Delimiter::None => {
                self.put("(", gap, Last::Tight);
                // The comma of `(a,)` makes it a tuple; after the arguments of a call it says nothing.
                self.stream(content, attaches);
                self.text.push(')');
            }
        }
        (self.generics, self.parameters) = outer;
        self.last = Last::Operand;
    }

    fn word(&mut self, word: &str) {
        // `#[async_trait]` has renamed it.
        let word = if word == "__self" { "self" } else { word };
        let mut letters = word.chars();
        let capital = letters.next().is_some_and(char::is_uppercase);
        let last = if KEYWORDS.contains(&word) {
            Last::Loose
        } else if capital && letters.all(|letter| !letter.is_lowercase()) {
            // `T`, or a constant such as `LIMIT`.
            Last::Operand
        } else if capital {
            Last::TypeName
        } else {
            Last::Operand
        };
        self.put(word, Gap::UnlessTight, last);
    }

    fn operator(&mut self, operator: &str) {
        let is_prefix = matches!(self.last, Last::Tight | Last::Loose);
        let in_generics = self.generics > 0;
        let (gap, last) = match operator {
            "." | "?" | "," | ";" | ":" => (Gap::Never, after_mark(operator)),
            "::" | ".." | "..=" | "..." => (Gap::AfterLoose, Last::Tight),
            "<" if is_prefix || in_generics || self.last == Last::TypeName => {
                self.generics += 1;
                (Gap::AfterLoose, Last::Tight)
            }
            ">" if in_generics => {
                self.generics -= 1;
                (Gap::Never, Last::Operand)
            }
            "|" if self.parameters => {
                self.parameters = false;
                (Gap::Never, Last::Loose)
            }
            "|" if is_prefix => {
                self.parameters = true;
                (Gap::AfterLoose, Last::Tight)
            }
            "&" | "&&" | "*" | "-" | "!" | "#" if is_prefix => (Gap::AfterLoose, Last::Tight),
            _ => (Gap::UnlessTight, Last::Loose),
        };
        self.put(operator, gap, last);
    }

    fn after_operand(&self) -> bool {
        matches!(self.last, Last::Operand | Last::TypeName)
    }

    fn put(&mut self, text: &str, gap: Gap, last: Last) {
        let space = match gap {
            Gap::Never => false,
            Gap::AfterLoose => self.last == Last::Loose,
            Gap::UnlessTight => self.last != Last::Tight,
        };
        if space {
            self.text.push(' ');
        }
        self.text.push_str(text);
        self.last = last;
    }
}

fn after_mark(mark: &str) -> Last {
    match mark {
        "." => Last::Tight,
        "?" => Last::Operand,
        _ => Last::Loose,
    }
}

/// `literal` with each line break, and the indentation after it, as one space.
fn on_one_line(literal: &str) -> String {
    let lines: Vec<&str> = literal.lines().map(str::trim_ascii_start).collect();
    lines.join(" ")
}

/// Each of them is a shorter one, or a single character, and one more.
const LONG_OPERATORS: [&str; 24] = [
    "::", "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "+=", "-=", "*=", "/=", "%=", "^=", "&=",
    "|=", "<<", ">>", "<<=", ">>=", "..", "...", "..=",
];

/// Those that stand apart from what follows. `self`, `crate`, `await` and `true` are operands.
const KEYWORDS: [&str; 25] = [
    "as", "async", "break", "const", "continue", "dyn", "else", "extern", "fn", "for", "if",
    "impl", "in", "let", "loop", "match", "move", "mut", "ref", "return", "static", "unsafe",
    "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts that each of `sources`, once it is tokens, is written as it was.
    #[track_caller]
    fn comes_back(sources: &[&str]) {
        for source in sources {
            assert_eq!(text(source), *source);
        }
    }

    fn text(source: &str) -> String {
        of(source.parse().unwrap())
    }

    #[test]
    fn calls_and_paths_have_no_spaces_in_them() {
        comes_back(&[
            "a.lock()",
            "self.inner.lock()",
            "fetch_posts(id)",
            "tokio::time::timeout(Duration::from_secs(1), rx.recv())",
            "::std::future::ready(1)",
            "f(::std::future::ready(1), crate::g)",
            "tasks[i].0.join()",
            "connect(address)?.send(b\"ping\")",
            "first().await?.second()",
            "(make())()",
        ]);
    }

    #[test]
    fn prefix_operators_stand_next_to_their_operand_and_binary_ones_apart() {
        comes_back(&[
            "f(&x)",
            "f(&mut x)",
            "&mut future",
            "f(&&x, *y, -z, !w)",
            "f(a && b, a & b, a * b, a - b, a - -b)",
            "f(a || b, a | b, a << 2, a >= b)",
            "f(if !a { -1 } else { *b })",
            "f(x as *const u8)",
            "sleep(base * 2 + 1)",
        ]);
    }

    #[test]
    fn ranges_have_no_spaces() {
        comes_back(&["f(0..n)", "f(..)", "f(&x[1..=2])", "f(S { a, ..b })"]);
    }

    #[test]
    fn generic_arguments_are_told_from_comparisons() {
        comes_back(&[
            "client.get::<Vec<u8>>(&url)",
            "collect::<Result<Vec<_>, _>>()",
            "<T as Source<u8>>::next(&mut source)",
            "f::<&'a str, { N + 1 }>(x)",
            "f(a < b, a > b, N < limit, MAX_SIZE < n)",
            "f(x as Vec<u8>)",
            "f::<dyn Fn() -> Option<u8>>()",
        ]);
    }

    #[test]
    fn closures_and_blocks_look_like_rustfmts() {
        comes_back(&[
            "join_all(ids.iter().map(|id| fetch(*id)))",
            "f(|a, &b| a | b)",
            "f(|| 1, move |x: u8| x)",
            "async move { x + 1 }",
            "f(async {})",
            "match kind { Kind::A | Kind::B => left(), _ => right() }",
            "'a: loop { break 'a }",
        ]);
    }

    #[test]
    fn macro_calls_attach_their_bang() {
        comes_back(&[
            "join_all(vec![a(), b()])",
            "send(format!(\"{x}\"))",
            "tokio::join!(a, b)",
            "select! { a => 1 }",
            "f(a != b)",
        ]);
    }

    #[test]
    fn a_chain_over_several_lines_becomes_one_line() {
        assert_eq!(
            text("client\n    .get(\n        url,\n        &options,\n    )\n    .send()"),
            "client.get(url, &options).send()"
        );
    }

    #[test]
    fn self_has_its_name_back_that_async_trait_took() {
        assert_eq!(
            text("__self.inner.get(__self.key)"),
            "self.inner.get(self.key)"
        );
    }

    #[test]
    fn a_tuple_of_one_keeps_its_comma() {
        comes_back(&["f((a,))", "(a,)"]);
    }

    #[test]
    fn a_string_over_several_lines_becomes_one_line() {
        assert_eq!(
            text("query(\"select *\n         from posts\")"),
            "query(\"select * from posts\")"
        );
    }

    #[test]
    fn eighty_characters_are_kept_and_the_eighty_first_cuts() {
        let fits = "x".repeat(80);
        assert_eq!(text(&fits), fits);

        let cut = text(&"x".repeat(81));
        assert_eq!(cut, format!("{}…", "x".repeat(79)));
    }

    #[test]
    fn the_cut_falls_between_characters() {
        let cut = text(&format!("f(\"{}\")", "ü".repeat(100)));
        assert_eq!(cut.chars().count(), 80);
        assert!(cut.ends_with("ü…"));
    }
}
