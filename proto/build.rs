//! Compiles the contract with protox: no system `protoc` is needed, and nothing generated is committed.

use std::{env, error::Error, fs, path::PathBuf};

use prost_reflect::{DescriptorPool, MessageDescriptor};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let mut files = Vec::new();
    for area in fs::read_dir(root.join("motcua"))? {
        for file in fs::read_dir(area?.path().join("v1"))? {
            files.push(file?.path());
        }
    }
    files.sort();
    println!("cargo::rerun-if-changed=motcua");
    println!("cargo::rerun-if-changed=google");

    let mut compiler = protox::Compiler::new([&root])?;
    compiler
        .include_source_info(true)
        .include_imports(true)
        .open_files(&files)?;
    // protox's own encoder keeps extension options (field behaviour); prost's would drop them, and reflection with them.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(
        out.join("motcua.binpb"),
        compiler.encode_file_descriptor_set(),
    )?;

    let mut builder = tonic_prost_build::configure()
        .build_transport(true)
        .extern_path(".google.rpc.Status", "::tonic_types::Status");
    for message in messages(&compiler.descriptor_pool()) {
        let redacted: Vec<_> = message.fields().filter(is_redacted).collect();
        if redacted.is_empty() {
            continue;
        }
        // One mark in the contract, `debug_redact`, keeps personal data out of every log line.
        let path = format!(".{}", message.full_name());
        builder = builder
            .skip_debug([&path])
            .message_attribute(&path, "#[derive(::veil::Redact)]");
        for field in redacted {
            builder =
                builder.field_attribute(format!("{path}.{}", field.name()), "#[redact(fixed = 3)]");
        }
    }
    builder.compile_fds(compiler.file_descriptor_set())?;
    Ok(())
}

fn messages(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> {
    pool.all_messages()
        .filter(|message| message.package_name().starts_with("motcua."))
}

fn is_redacted(field: &prost_reflect::FieldDescriptor) -> bool {
    field
        .options()
        .get_field_by_name("debug_redact")
        .and_then(|value| value.as_bool())
        .unwrap_or(false)
}
