//! The contract as data: every method, and what each field of its request is.

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    ReflectMessage as _, Value,
};

use crate::support::Service;

/// The whole contract.
pub(super) fn pool() -> DescriptorPool {
    DescriptorPool::decode(motcua_proto::FILE_DESCRIPTOR_SET).expect("the contract")
}

/// Every method, with who offers it.
pub(super) fn methods(pool: &DescriptorPool) -> Vec<(Service, MethodDescriptor)> {
    let mut methods = Vec::new();
    for service in pool.services() {
        let package = service.package_name().to_owned();
        for offers in Service::ALL {
            // Who has personal data shows who read it.
            let of_persons = package == "motcua.access.v1" && offers == Service::Intake;
            if package == "motcua.events.v1"
                || of_persons
                || package == format!("motcua.{}.v1", offers.name())
            {
                methods.extend(service.methods().map(|method| (offers, method)));
            }
        }
    }
    methods
}

/// `/package.Service/Method`.
pub(super) fn path(method: &MethodDescriptor) -> String {
    format!("/{}/{}", method.parent_service().full_name(), method.name())
}

/// Whether the contract says that a request must have this field.
pub(super) fn is_required(pool: &DescriptorPool, field: &FieldDescriptor) -> bool {
    behaviours(pool, field).contains(&2)
}

/// Whether only the server sets this field: what a client says there is ignored.
pub(super) fn is_output_only(pool: &DescriptorPool, field: &FieldDescriptor) -> bool {
    behaviours(pool, field).contains(&3)
}

fn behaviours(pool: &DescriptorPool, field: &FieldDescriptor) -> Vec<i32> {
    let extension = pool
        .get_extension_by_name("google.api.field_behavior")
        .expect("the annotation is there");
    let options = field.options();
    let value = options.get_extension(&extension);
    value
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_enum_number)
        .collect()
}

/// What a request is filled with.
#[derive(Debug, Clone)]
pub(super) struct Filling {
    pub(super) text: String,
    pub(super) enumeration: i32,
    pub(super) number: i32,
}

/// A request with every field that a client may set filled with nonsense.
pub(super) fn filled(message: &MessageDescriptor, filling: &Filling) -> DynamicMessage {
    fill(message, filling, 0)
}

fn fill(message: &MessageDescriptor, filling: &Filling, depth: usize) -> DynamicMessage {
    let mut filled = DynamicMessage::new(message.clone());
    if message.full_name() == "google.protobuf.Timestamp" {
        // Some thousand years from now: the calendar does not reach so far.
        filled.set_field_by_name("seconds", Value::I64(253_402_300_800));
        return filled;
    }
    for field in message.fields() {
        // One of several alternatives is enough, and the first is as good as the last.
        if field
            .containing_oneof()
            .is_some_and(|oneof| oneof.fields().next().as_ref() != Some(&field))
        {
            continue;
        }
        let Some(value) = value(&field, filling, depth) else {
            continue;
        };
        filled.set_field(
            &field,
            if field.is_list() {
                Value::List(vec![value])
            } else {
                value
            },
        );
    }
    filled
}

fn value(field: &FieldDescriptor, filling: &Filling, depth: usize) -> Option<Value> {
    Some(match field.kind() {
        Kind::String => Value::String(filling.text.clone()),
        Kind::Enum(_) => Value::EnumNumber(filling.enumeration),
        Kind::Int32 => Value::I32(filling.number),
        Kind::Int64 => Value::I64(filling.number.into()),
        Kind::Bool => Value::Bool(true),
        Kind::Message(message) if depth < 4 => Value::Message(fill(&message, filling, depth + 1)),
        _ => return None,
    })
}

/// The descriptor of a request, to be read beside what was filled.
pub(super) fn fields(message: &DynamicMessage) -> Vec<FieldDescriptor> {
    message.descriptor().fields().collect()
}
