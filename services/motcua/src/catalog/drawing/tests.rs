//! Drawings in and out.

use std::collections::BTreeSet;

use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{Definition, step::Kind},
};

use super::{
    diagram::{Diagram, Shape},
    export, import,
    layout::{Bounds, Layout},
    of_toml, svg,
    toml::toml,
};
use crate::catalog::embedded;

/// Every definition that is shipped, and one with every kind of step.
fn definitions() -> Vec<Definition> {
    let rich = include_str!("../tests/sound/definitions/rich.toml");
    let rich = of_toml("rich.toml", rich).unwrap();
    let shipped = embedded().unwrap().definitions;
    shipped.into_iter().chain([rich]).collect()
}

fn by_id(mut definition: Definition) -> Definition {
    definition.steps.sort_by(|a, b| a.id.cmp(&b.id));
    definition
}

#[test]
fn what_is_exported_is_imported_as_it_was() {
    for definition in definitions() {
        let drawing = export::bpmn(&definition).unwrap();
        let imported = import::bpmn("d.bpmn", &drawing)
            .unwrap_or_else(|faults| panic!("{}: {faults}\n{drawing}", definition.id));
        assert!(imported.notes.is_empty(), "{:?}", imported.notes);
        assert_eq!(by_id(imported.definition), by_id(definition));
    }
}

#[test]
fn what_is_written_as_toml_is_read_as_it_was() {
    for definition in definitions() {
        let text = toml(&definition);
        let file = format!("{}.toml", definition.id);
        let read = of_toml(&file, &text).unwrap_or_else(|faults| panic!("{faults}\n{text}"));
        assert_eq!(read, definition);
    }
}

#[test]
fn ids_that_are_no_names_of_xml_and_words_with_its_signs_come_back() {
    let text = r#"
        id = "1.000656"
        title = "Một < hai & \"ba\""
        start = "1a"
        [steps.1a]
        task = "Bước \\ 'một'"
        role = "officer"
        minutes = 5
        next = { "đ" = "" }
    "#;
    let text = text.replace("\"đ\"", "done");
    let definition = of_toml("1.000656.toml", &text).unwrap();
    let drawing = export::bpmn(&definition).unwrap();
    let imported = import::bpmn("d.bpmn", &drawing).unwrap();
    assert_eq!(imported.definition, definition);
    assert_eq!(
        of_toml("1.000656.toml", &super::toml::toml(&definition)).unwrap(),
        definition
    );
}

fn overlap(a: &Bounds, b: &Bounds) -> bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
}

#[test]
fn no_two_nodes_stand_on_each_other_and_flows_run_from_node_to_node() {
    for definition in definitions() {
        let diagram = Diagram::of(&definition);
        let layout = Layout::of(&diagram);
        for (index, bounds) in layout.nodes.iter().enumerate() {
            for other in &layout.nodes[index + 1..] {
                assert!(
                    !overlap(bounds, other),
                    "{}: {bounds:?} {other:?}",
                    definition.id
                );
            }
            assert!(bounds.x + bounds.width <= layout.width);
            assert!(bounds.y + bounds.height <= layout.height && bounds.y >= 0.0);
        }
        let bounds = |id: &str| {
            let place = diagram.nodes.iter().position(|node| node.id == id).unwrap();
            layout.nodes[place]
        };
        for (flow, points) in diagram.flows.iter().zip(&layout.flows) {
            let touches = |point: &(f64, f64), bounds: Bounds| {
                let within = |value: f64, from: f64, size: f64| {
                    value >= from - 0.01 && value <= from + size + 0.01
                };
                within(point.0, bounds.x, bounds.width) && within(point.1, bounds.y, bounds.height)
            };
            assert!(
                touches(points.first().unwrap(), bounds(&flow.from)),
                "{flow:?}"
            );
            assert!(
                touches(points.last().unwrap(), bounds(&flow.to)),
                "{flow:?}"
            );
            // Level or upright, and over no third node.
            for pair in points.windows(2) {
                let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
                assert!(x1 == x2 || y1 == y2, "{flow:?}: {points:?}");
                let part = Bounds {
                    x: x1.min(x2),
                    y: y1.min(y2),
                    width: (x2 - x1).abs(),
                    height: (y2 - y1).abs(),
                };
                for (node, bounds) in diagram.nodes.iter().zip(&layout.nodes) {
                    let third = node.id != flow.from && node.id != flow.to;
                    assert!(
                        !third || !overlap(&part, bounds),
                        "{}: {flow:?} runs over {}",
                        definition.id,
                        node.id
                    );
                }
            }
        }
    }
}

#[test]
fn the_picture_is_xml_and_shows_every_task() {
    for definition in definitions() {
        let diagram = Diagram::of(&definition);
        let picture = svg::draw(&diagram, &definition.title).unwrap();
        let document = roxmltree::Document::parse(&picture).unwrap();
        let words: BTreeSet<_> = document
            .descendants()
            .filter(|node| node.has_tag_name(("http://www.w3.org/2000/svg", "text")))
            .filter_map(|node| node.text())
            .flat_map(str::split_whitespace)
            .collect();
        for node in &diagram.nodes {
            if let Shape::Task(task) = &node.shape {
                let first = task.title.split_whitespace().next().unwrap();
                assert!(words.contains(first), "{}: {first}", definition.id);
            }
        }
    }
}

/// As a drawing tool writes it, by somebody who knows nothing of our attributes: roles are lanes, budgets stand in names.
const DRAWN: &str = include_str!("tests/drawn.bpmn");

#[test]
fn a_plain_drawing_is_a_definition() {
    let imported = import::bpmn("drawn.bpmn", DRAWN).unwrap_or_else(|faults| panic!("{faults}"));
    let definition = imported.definition;
    assert_eq!(definition.id, "household-business");
    assert_eq!(definition.start, "appraise");
    let expected = r#"id = "household-business"
title = "Đăng ký hộ kinh doanh"
start = "appraise"

[steps.appraise]
task = "Thẩm định hồ sơ"
role = "officer"
minutes = 120
next = { approved = "both", rejected = "" }

[steps.both]
fork = [
    { to = "tax" },
    { to = "site", option = "site_visit" },
]
join = "meet"

[steps.tax]
task = "Lấy ý kiến cơ quan thuế"
role = "officer"
minutes = 60
next = { done = "meet" }

[steps.site]
task = "Kiểm tra địa điểm"
role = "officer"
minutes = 90
next = { done = "meet" }

[steps.meet]
join = true
to = "which"

[steps.which]
choice = [
    { when = "priority", to = "sign" },
]
otherwise = "wait"

[steps.wait]
timer = { calendar_days = 1 }
to = "sign"

[steps.sign]
task = "Ký giấy chứng nhận"
role = "leader"
minutes = 480
next = { done = "" }
"#;
    assert_eq!(toml(&definition), expected);
    let notes: Vec<_> = imported.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "drawn.bpmn:2: collaboration Collaboration_1: is not kept: a definition is one agency's process",
            "drawn.bpmn:47: userTask sign: its attribute assignee is another tool's, and not kept",
            "drawn.bpmn:53: textAnnotation note: is not kept",
        ]
    );
}

/// What is broken, what is replaced by what, and what is said of it.
type Case = (&'static str, &'static str, &'static str, &'static str);

#[test]
fn each_thing_that_is_wrong_with_a_drawing_is_named_with_its_element() {
    let cases: &[Case] = &include!("tests/broken.in");
    assert!(cases.len() >= 40, "{}", cases.len());
    for (what, from, to, fault) in cases {
        assert!(DRAWN.contains(from), "{what}: there is no '{from}'");
        let text = DRAWN.replacen(from, to, 1);
        let faults = import::bpmn("drawn.bpmn", &text).expect_err(what);
        let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(told, [*fault], "{what}");
    }
}

#[test]
fn each_thing_that_only_decorates_is_told_of_and_changes_nothing() {
    let cases: &[Case] = &include!("tests/decorated.in");
    let plain = import::bpmn("drawn.bpmn", DRAWN).unwrap();
    for (what, from, to, note) in cases {
        assert!(DRAWN.contains(from), "{what}: there is no '{from}'");
        let text = DRAWN.replacen(from, to, 1);
        let imported =
            import::bpmn("drawn.bpmn", &text).unwrap_or_else(|faults| panic!("{what}: {faults}"));
        assert_eq!(imported.definition, plain.definition, "{what}");
        let told: Vec<_> = imported.notes.iter().map(ToString::to_string).collect();
        let more: Vec<_> = imported
            .notes
            .iter()
            .filter(|told| !plain.notes.contains(told))
            .map(ToString::to_string)
            .collect();
        assert_eq!(more, [*note], "{what}");
        assert_eq!(told.len(), plain.notes.len() + 1, "{what}");
    }
}

#[test]
fn comments_take_nothing_away_and_an_end_may_be_called_one() {
    let plain = import::bpmn("drawn.bpmn", DRAWN).unwrap();
    for (from, to) in [
        (">priority<", "><!-- first --> priority<"),
        (">P1D<", "><!-- a day -->P1D<"),
        (
            ">sign</bpmn:flowNodeRef>",
            "><!-- it -->sign</bpmn:flowNodeRef>",
        ),
        (
            r#"<bpmn:endEvent id="end" />"#,
            r#"<bpmn:endEvent id="end" name="Kết thúc" />"#,
        ),
    ] {
        let text = DRAWN.replacen(from, to, 1);
        assert_ne!(text, DRAWN);
        let imported =
            import::bpmn("drawn.bpmn", &text).unwrap_or_else(|faults| panic!("{to}: {faults}"));
        assert_eq!(imported.definition, plain.definition, "{to}");
        assert_eq!(imported.notes, plain.notes, "{to}");
    }
}

#[test]
fn a_task_in_a_lane_of_the_police_is_theirs_where_it_says_so() {
    let text = DRAWN
        .replace("Lãnh đạo phường", "Trưởng Công an phường")
        .replace(
            "<bpmn:userTask id=\"sign\"",
            "<bpmn:userTask id=\"sign\" motcua:agency=\"police\"",
        );
    let definition = import::bpmn("drawn.bpmn", &text).unwrap().definition;
    let sign = definition
        .steps
        .iter()
        .find(|step| step.id == "sign")
        .unwrap();
    let Some(Kind::Task(task)) = &sign.kind else {
        panic!("{sign:?}");
    };
    assert_eq!(task.agency(), AgencyKind::Police);
    assert_eq!(task.role(), Role::Leader);
}

#[test]
fn the_shipped_drawings_are_the_shipped_definitions() {
    let shipped = embedded().unwrap().definitions;
    let directory =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/catalog/drawings");
    let mut drawings = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let imported = import::bpmn(&path.display().to_string(), &text).unwrap();
        let same = shipped
            .iter()
            .find(|definition| definition.id == imported.definition.id)
            .unwrap();
        assert_eq!(by_id(imported.definition), by_id(same.clone()));
        drawings += 1;
    }
    assert!(drawings >= 3);
}

#[test]
fn gateways_that_only_bring_paths_together_are_passed() {
    let merged = DRAWN
        .replace(r#"targetRef="sign" />"#, r#"targetRef="merge" />"#)
        .replace(
            "<bpmn:endEvent",
            "<bpmn:exclusiveGateway id=\"merge\" /><bpmn:sequenceFlow id=\"fm\" sourceRef=\"merge\" targetRef=\"sign\" />\n    <bpmn:endEvent",
        );
    let imported = import::bpmn("drawn.bpmn", &merged).unwrap();
    let plain = import::bpmn("drawn.bpmn", DRAWN).unwrap();
    assert_eq!(imported.definition, plain.definition);
    let is_choice = |kind: &Option<Kind>| matches!(kind, Some(Kind::Choice(_)));
    let choices = imported
        .definition
        .steps
        .iter()
        .filter(|step| is_choice(&step.kind));
    assert_eq!(choices.count(), 1);
}
