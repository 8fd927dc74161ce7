//! Migrations are embedded when the crate is compiled: a new file must compile it anew.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
