//! The types of futures, in a form that people can read.
//!
//! A task that nobody named is told from others by the type of its future. In full that is a page of generics
//! (`tokio::task::coop::Unconstrained<bank::serve<hyper::…>::{{closure}}>`), of which one thing matters: the function that the program's
//! author wrote.

/// More than this is not read, and has no room in a table or beside a row of a picture.
const LONGEST: usize = 44;
/// Stands for the async blocks and closures in a function: they are not what the function itself does.
const BLOCK: &str = "{block}";

/// Crates whose types wrap the future that matters.
const WRAPPERS: &[&str] = &[
    "ais_tokio",
    "ais_recorder",
    "tokio",
    "tokio_util",
    "tracing",
    "futures",
    "futures_util",
    "futures_core",
    "core",
    "alloc",
    "std",
];

/// `bank::transfer` for `bank::transfer::{{closure}}`, which is what an `async fn` is, and `bank::serve::{block}` for
/// `bank::serve::{{closure}}::{{closure}}`, a block in one: wrappers and generics are left out, and what is still longer than 44
/// characters loses the beginning of its path.
pub fn short_type_name(full: &str) -> String {
    let path = path(unwrapped(full.trim()));
    shortened(&path)
}

/// The type inside of all wrappers: the first parameter of each that is a path itself.
fn unwrapped(mut name: &str) -> &str {
    while let Some((wrapper, parameters)) = generic(name) {
        let krate = wrapper.split("::").next().unwrap_or_default();
        let inner = parameters_of(parameters)
            .into_iter()
            .find(|parameter| parameter.contains("::"));
        match inner {
            Some(inner) if WRAPPERS.contains(&krate) => name = inner,
            _ => break,
        }
    }
    name
}

/// A name that is one generic type from its beginning to its end, as its path and its parameters.
fn generic(name: &str) -> Option<(&str, &str)> {
    let open = name.find('<').filter(|&at| at > 0)?;
    let inside = name.strip_suffix('>')?.get(open + 1..)?;
    // `a<b>::c<d>` does not end what it began with.
    let mut depth = 0i32;
    for (at, c) in inside.char_indices() {
        match c {
            '<' | '(' | '[' => depth += 1,
            '>' if !is_arrow(inside, at) => depth -= 1,
            ')' | ']' => depth -= 1,
            _ => {}
        }
        if depth < 0 {
            return None;
        }
    }
    Some((name[..open].trim_end_matches("::"), inside))
}

/// Parameters, apart.
fn parameters_of(text: &str) -> Vec<&str> {
    let mut parameters = Vec::new();
    let (mut depth, mut start) = (0i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '<' | '(' | '[' | '{' => depth += 1,
            '>' if !is_arrow(text, at) => depth -= 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parameters.push(text[start..at].trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parameters.push(text[start..].trim());
    parameters
}

/// The `>` of `->` closes nothing.
fn is_arrow(text: &str, at: usize) -> bool {
    text[..at].ends_with('-')
}

/// The path without parameters and closures. Of `<bank::Account as bank::Service>::call` what matters is `bank::Account::call`; of
/// `dyn core::future::Future + Send` it is `dyn Future`.
fn path(name: &str) -> String {
    if let Some(object) = name.strip_prefix("dyn ") {
        let object = object.split(['<', '+']).next().unwrap_or_default().trim();
        return format!("dyn {}", object.rsplit("::").next().unwrap_or_default());
    }
    let name = match name.strip_prefix('<') {
        Some(rest) => match closing(rest) {
            Some(end) => {
                let kind = &rest[..end];
                let of = split_as(kind).unwrap_or(kind);
                format!("{}{}", path(of), &rest[end + 1..])
            }
            None => name.to_owned(),
        },
        None => name.to_owned(),
    };
    let mut plain = String::with_capacity(name.len());
    let mut depth = 0i32;
    for (at, c) in name.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !is_arrow(&name, at) => depth -= 1,
            _ if depth <= 0 => plain.push(c),
            _ => {}
        }
    }
    let is_unnamed = |segment: &&str| segment.starts_with('{');
    let mut segments: Vec<&str> = plain
        .split("::")
        .filter(|segment| !segment.is_empty() && !is_unnamed(segment))
        .collect();
    if segments.is_empty() {
        return plain;
    }
    if plain.rsplit("::").take_while(is_unnamed).count() > 1 {
        segments.push(BLOCK);
    }
    segments.join("::")
}

/// Where the `<` that stood before `rest` is closed.
fn closing(rest: &str) -> Option<usize> {
    let mut depth = 1;
    for (at, c) in rest.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !is_arrow(rest, at) => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// The type in `type as trait`.
fn split_as(text: &str) -> Option<&str> {
    let mut depth = 0i32;
    for (at, c) in text.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if !is_arrow(text, at) => depth -= 1,
            ' ' if depth == 0 && text[at..].starts_with(" as ") => return Some(&text[..at]),
            _ => {}
        }
    }
    None
}

fn shortened(path: &str) -> String {
    let length = |text: &str| text.chars().count();
    if length(path) <= LONGEST {
        return path.to_owned();
    }
    let mut rest = path;
    while length(rest) + 3 > LONGEST {
        match rest.split_once("::") {
            Some((_, after)) => rest = after,
            None => {
                let kept: String = rest.chars().take(LONGEST - 1).collect();
                return kept + "…";
            }
        }
    }
    format!("…::{rest}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(full: &str, short: &str) {
        assert_eq!(short_type_name(full), short);
    }

    #[test]
    fn closures_are_left_out() {
        check("bank::transfer::{{closure}}", "bank::transfer");
        check("bank::main::{async_block#0}", "bank::main");
        check("bank::main::{closure_env#0}<u8>", "bank::main");
    }

    #[test]
    fn a_block_in_a_function_is_not_the_function() {
        check(
            "bank::main::{{closure}}::{{closure}}",
            "bank::main::{block}",
        );
        check(
            "bank::main::{{closure}}#1::{{closure}}::{{closure}}",
            "bank::main::{block}",
        );
        check(
            "tracing::instrument::Instrumented<bank::Server<u8>::listen::{{closure}}::{{closure}}>",
            "bank::Server::listen::{block}",
        );
        // A function in a block is a function.
        check(
            "bank::main::{{closure}}::inner::{{closure}}",
            "bank::main::inner",
        );
    }

    #[test]
    fn generics_are_left_out() {
        check(
            "bank::run<bank::Config, fn(u8) -> core::result::Result<u8, ()>>::{{closure}}",
            "bank::run",
        );
        check(
            "bank::run::<bank::Config>::inner::{{closure}}",
            "bank::run::inner",
        );
        check(
            "<bank::Account<u8> as bank::Service<bank::Request>>::call::{{closure}}",
            "bank::Account::call",
        );
        check("bank::Ready<T>", "bank::Ready");
    }

    #[test]
    fn wrappers_are_taken_off() {
        check(
            "tokio::task::coop::Unconstrained<bank::serve<u8>::{{closure}}>",
            "bank::serve",
        );
        check(
            "ais_tokio::time::Timeout<core::pin::Pin<alloc::boxed::Box<bank::f::{{closure}}>>>",
            "bank::f",
        );
        check(
            "core::pin::Pin<alloc::boxed::Box<dyn core::future::future::Future<Output = ()> + core::marker::Send>>",
            "dyn Future",
        );
        check(
            "futures_util::future::map::Map<bank::f::{{closure}}, bank::g>",
            "bank::f",
        );
        // Nothing of the program's own is inside.
        check("tokio::time::sleep::Sleep", "tokio::time::sleep::Sleep");
        check(
            "core::future::ready::Ready<()>",
            "core::future::ready::Ready",
        );
    }

    #[test]
    fn long_paths_lose_their_beginning() {
        let long = format!("one::{}::{}::last", "x".repeat(30), "y".repeat(30));
        check(&long, &format!("…::{}::last", "y".repeat(30)));
        let name = short_type_name(&"z".repeat(200));
        assert_eq!((name.chars().count(), name.ends_with('…')), (44, true));
    }

    #[test]
    fn nonsense_stays_what_it_is_or_gets_shorter() {
        for nonsense in [
            "",
            "<",
            ">",
            "<>::<",
            "a<b",
            "->",
            "{{closure}}",
            "dyn ",
            "é<ü as >",
        ] {
            assert!(short_type_name(nonsense).len() <= nonsense.len() + 4);
        }
    }
}
