//! Definitions as drawings: BPMN 2.0 in and out, and a picture.
//!
//! | file | answers |
//! | --- | --- |
//! | `import/` | which definition does a BPMN file draw, and what of it does the engine not run? |
//! | `diagram.rs` | which nodes and flows does a definition have? |
//! | `layout.rs` | where do they stand? |
//! | `export.rs`, `svg.rs`, `toml.rs` | how is that written? |

mod diagram;
mod export;
mod import;
mod layout;
mod svg;
mod toml;

#[cfg(test)]
mod tests;

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::Subcommand;
use motcua_proto::workflow::v1::Definition;

use super::fault::Faults;
use crate::Failed;

/// BPMN 2.0.
const BPMN: &str = "http://www.omg.org/spec/BPMN/20100524/MODEL";
/// What BPMN has no word for.
const MOTCUA: &str = "https://motcua.vn/schema/bpmn/1";

/// What to do with a definition. Works without a server.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a definition of a BPMN 2.0 file. Whatever the engine does not run is named with its element; what only
    /// decorates is told of as not kept.
    #[command(after_help = IMPORT)]
    Import {
        /// The BPMN 2.0 file.
        file: PathBuf,
        /// Write the definition to this file, not to the standard output.
        #[arg(long, value_name = "FILE.toml")]
        out: Option<PathBuf>,
    },
    /// Draw a definition as BPMN 2.0, to be opened in a drawing tool.
    Export {
        /// The definition: a file of a catalog, or another drawing.
        file: PathBuf,
        /// Write the drawing to this file, not to the standard output.
        #[arg(long, value_name = "FILE.bpmn")]
        out: Option<PathBuf>,
    },
    /// Draw a definition as a picture.
    Show {
        /// The definition: a file of a catalog, or a drawing.
        file: PathBuf,
        /// Write the picture to this file, not to the standard output.
        #[arg(long, value_name = "FILE.svg")]
        out: Option<PathBuf>,
    },
}

const IMPORT: &str = "\
The engine runs: one start event; user tasks, and an exclusive gateway behind one whose flows are named by its outcomes;
exclusive gateways with conditions (cel.dev) and one flow without; parallel gateways, and inclusive ones whose conditions
are \"option\" in options; call activities (calledElement: the procedure's code); catching timer events (P3D: calendar
days, PT4H: working hours); service tasks of another system; end events.
Role: the attribute motcua:role, or the lane's name (officer, leader, receptionist, home_visitor; Chuyên viên, Lãnh đạo,
Một cửa, Tổ lưu động). A lane of the police or of the social insurance: a call activity, or a task with motcua:agency.
Budget: motcua:minutes, or at the end of a task's name: Thẩm định hồ sơ (2 giờ).
`motcua definition export` of a definition shows every attribute in its place.";

/// Runs it.
pub(crate) fn run(command: &Command) -> Result<(), Failed> {
    match command {
        Command::Import { file, out } => write(out.as_deref(), &toml::toml(&read(file)?)),
        Command::Export { file, out } => {
            let drawing =
                export::bpmn(&read(file)?).map_err(|error| Failed::new(error.to_string()))?;
            write(out.as_deref(), &drawing)
        }
        Command::Show { file, out } => {
            let definition = read(file)?;
            let diagram = diagram::Diagram::of(&definition);
            let picture = svg::draw(&diagram, &definition.title)
                .map_err(|error| Failed::new(error.to_string()))?;
            write(out.as_deref(), &picture)
        }
    }
}

/// A definition from a drawing, or from a file of a catalog. What is not kept of a drawing is told.
fn read(path: &Path) -> Result<Definition, Failed> {
    let text = fs::read_to_string(path)
        .map_err(|error| Failed::new(format!("{}: {error}", path.display())))?;
    let file = path.display().to_string();
    let is_toml = path
        .extension()
        .is_some_and(|extension| extension == "toml");
    if is_toml {
        return of_toml(&file, &text).map_err(|error| Failed::new(error.to_string()));
    }
    let imported = import::bpmn(&file, &text).map_err(|error| Failed::new(error.to_string()))?;
    for note in &imported.notes {
        eprintln!("{note}");
    }
    Ok(imported.definition)
}

fn of_toml(file: &str, text: &str) -> Result<Definition, Faults> {
    let mut faults = Faults::default();
    let name = Path::new(file).file_stem().unwrap_or_default();
    let (definition, ..) =
        super::definition::judged(&name.to_string_lossy(), file, text, &mut faults);
    faults.finish(definition)
}

fn write(out: Option<&Path>, text: &str) -> Result<(), Failed> {
    match out {
        Some(path) => fs::write(path, text)
            .map_err(|error| Failed::new(format!("{}: {error}", path.display()))),
        None => {
            print!("{text}");
            Ok(())
        }
    }
}
