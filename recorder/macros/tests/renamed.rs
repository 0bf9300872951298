//! `#[trace]` in a program of its own, which depends on the recorder under another name and is of an older edition.
//!
//! Which name that is stands in the program's manifest, so there has to be one: this writes a small workspace, in which a
//! stand-in has the place of `ais-recorder`, and has Cargo run it.

use std::fs;
use std::path::Path;
use std::process::Command;

fn write(path: &Path, content: &str) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("the folder of temporary files can be written to");
    fs::write(path, content).expect("the folder of temporary files can be written to");
}

#[test]
fn a_renamed_recorder_is_found_and_an_older_edition_compiles() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let root = target.join("renamed");
    write(
        &root.join("Cargo.toml"),
        "[workspace]\nresolver = \"2\"\nmembers = [\"app\", \"recorder\"]\n",
    );
    write(
        &root.join("recorder/Cargo.toml"),
        &format!(
            "[package]\nname = \"ais-recorder\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\
             [dependencies]\nais-macros = {{ path = {here:?} }}\n"
        ),
    );
    write(
        &root.join("app/Cargo.toml"),
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\
         [dependencies]\nasync_inspect = { package = \"ais-recorder\", path = \"../recorder\" }\n",
    );
    write(
        &root.join("recorder/src/lib.rs"),
        include_str!("renamed/recorder.rs"),
    );
    write(
        &root.join("app/src/main.rs"),
        include_str!("renamed/app.rs"),
    );
    // The same versions as here, all of them downloaded, so that no network is needed.
    fs::copy(here.join("../../Cargo.lock"), root.join("Cargo.lock")).unwrap();

    let run = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--package", "app"])
        .arg("--target-dir")
        .arg(target.join("renamed-target"))
        .current_dir(&root)
        .output()
        .unwrap();

    let errors = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{errors}");
    assert_eq!(errors, "", "the compiler warns");
    assert_eq!(
        String::from_utf8_lossy(&run.stdout)
            .lines()
            .collect::<Vec<_>>(),
        [
            "enter app::temporary_at_the_end at app/src/main.rs:21",
            "await length_of(&Noisy(\"temporary\")) in line 23",
            "drop local",
            "drop temporary",
            "leave app::temporary_at_the_end",
            "enter app::guard_at_the_end at app/src/main.rs:27",
            "await ready(Noisy(\"guard\")) in line 28",
            "await ready(name.len()) in line 29",
            "drop guard",
            "leave app::guard_at_the_end",
            "enter ais_recorder::at_home at recorder/src/lib.rs:9",
            "await std::future::ready(1) in line 10",
            "leave ais_recorder::at_home",
            "enter app::greet at app/src/main.rs:40",
            "await ready(format!(\"{} {name}{mark}\", self.greeting)) in line 41",
            "leave app::greet",
            "enter app::read at app/src/main.rs:47",
            "await ready(()) in line 48",
            "leave app::read",
            "enter app::block_at_the_end at app/src/main.rs:53",
            "await async { length_of(&name).await + length_of(&Noisy(\"temporary\")).await } in line 55",
            "enter app::block_at_the_end::{block} at app/src/main.rs:55",
            "await length_of(&name) in line 55",
            "await length_of(&Noisy(\"temporary\")) in line 55",
            "drop temporary",
            "leave app::block_at_the_end::{block}",
            "drop borrowed",
            "leave app::block_at_the_end",
        ]
    );
}
