//! Threads, runtimes, sets of local tasks.

use crate::{Part, Rule};

pub(crate) const EXECUTORS: Part = Part {
    title: "Executors: who polls what is ready",
    rules: &[
        Rule {
            says: "A ready task can if a thread of its runtime is free",
            file: "waits/rules/executors.rs",
            code: "(running.len() as u64) < runtime.capacity",
            without: "false",
            test: "waiting::executors::another_thread_of_the_runtime_polls_what_is_ready",
        },
        Rule {
            says: "It waits for one of the polls that keep all threads",
            file: "waits/rules/executors.rs",
            code: "«self\n                .worker(executor)\n                .or_else(|| self.somebody_who_drives(executor, since))»?",
            without: "None::<Place>",
            test: "waiting::executors::a_runtime_without_threads_has_the_one_that_blocks_on_it",
        },
        Rule {
            says: "In block_in_place another thread takes over",
            file: "waits/rules/executors.rs",
            code: "&& «!gave_way()»",
            without: "true",
            test: "waiting::executors::a_thread_that_gives_way_before_it_blocks_keeps_nobody",
        },
        Rule {
            says: "A blocking job has a thread of its own, and keeps no worker",
            file: "waits/rules/executors.rs",
            code: "runs && «!task.flags.is_blocking()» &&",
            without: "true",
            test: "?",
        },
        Rule {
            says: "Whoever blocks on a runtime is its worker only where that has none",
            file: "waits/rules/executors.rs",
            code: "«!task.flags.is_block_on() || runtime.capacity == 0»;",
            without: "true",
            test: "waiting::executors::a_runtime_without_threads_has_the_one_that_blocks_on_it",
        },
        Rule {
            says: "Of several that block on a runtime, that it is the one which drives it is proven only where it has polled others",
            file: "waits/rules/executors.rs",
            code: "running.iter().all(|task| has_driven(task))",
            without: "true",
            test: "?",
        },
        Rule {
            says: "A runtime without threads is driven by whoever blocks on it, and not by its handle",
            file: "waits/rules/executors.rs",
            code: "«is_asked.then(|| self.ask(runtime, Asked::Driver))?»",
            without: "None::<Place>",
            test: "?",
        },
        Rule {
            says: "That nobody drives a runtime is concluded from silence: it is asked at the end alone, and after long",
            file: "waits/rules/executors.rs",
            code: "runtime.capacity == 0 && self.is_end() && «self.now.since(since) >= LONG»",
            without: "true",
            test: "?",
        },
        Rule {
            says: "A task of a LocalSet can if somebody drives that",
            file: "waits/rules/executors.rs",
            code: "ResourceKind::LocalSet => «self.driver(executor, since)?»,",
            without: "None::<Place>?",
            test: "?",
        },
        Rule {
            says: "A LocalSet of which a task was polled is driven",
            file: "waits/rules/executors.rs",
            code: "of_executor.iter().any(|task| !task.polls.is_empty())",
            without: "false",
            test: "?",
        },
        Rule {
            says: "That nobody drives a LocalSet is concluded from silence",
            file: "waits/rules/executors.rs",
            code: "let is_asked = self.is_end() && «self.now.since(since) >= LONG»;\n        is_asked.then(|| self.ask(set, Asked::Driver))?",
            without: "true",
            test: "?",
        },
        Rule {
            says: "A LocalSet may be where the task that made it handed it",
            file: "waits/rules/executors.rs",
            code: "«self.handed_since([maker], set.made())»",
            without: "Vec::new()",
            test: "?",
        },
        Rule {
            says: "A timer fires through the threads of its runtime",
            file: "waits/rules/executors.rs",
            code: "match «runtime.and_then(|runtime| self.worker(runtime))» {",
            without: "None::<Place>",
            test: "?",
        },
        Rule {
            says: "It may be a timer of another runtime: likely at most",
            file: "waits/rules/executors.rs",
            code: "elsewhere: «place.elsewhere.max(Elsewhere::Rarely)»,\n                ..place\n            }]),\n            None => Needs::Nothing,",
            without: "place.elsewhere",
            test: "?",
        },
    ],
};
