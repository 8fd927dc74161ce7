//! Drawings in and out.

use std::collections::BTreeSet;

use motcua_proto::{
    r#type::v1::{AgencyKind, Role},
    workflow::v1::{Definition, TaskStep, step::Kind, timer_step::Wait},
};

use super::{
    diagram::{Diagram, Flow, Node, Shape},
    export, import,
    layout::{Bounds, Layout, Point},
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

/// The straight parts of a course.
fn parts(points: &[Point]) -> Vec<Bounds> {
    let part = |pair: &[Point]| {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        assert!(x1 == x2 || y1 == y2, "{points:?}");
        Bounds {
            x: x1.min(x2),
            y: y1.min(y2),
            width: (x2 - x1).abs(),
            height: (y2 - y1).abs(),
        }
    };
    points.windows(2).map(part).collect()
}

/// Whether two straight parts lie on one another for some length.
fn hide(a: &Bounds, b: &Bounds) -> bool {
    let along = |from: f64, size: f64, other: f64, length: f64| {
        (from + size).min(other + length) - from.max(other) > 0.01
    };
    let level = a.height == 0.0 && b.height == 0.0 && a.y == b.y;
    let upright = a.width == 0.0 && b.width == 0.0 && a.x == b.x;
    level && along(a.x, a.width, b.x, b.width) || upright && along(a.y, a.height, b.y, b.height)
}

/// What holds of every layout: nothing stands on anything else, and each flow can be followed from its node to the other.
fn is_clear(name: &str, diagram: &Diagram) {
    let layout = Layout::of(diagram);
    assert_eq!(layout.nodes.len(), diagram.nodes.len());
    assert_eq!(layout.names.len(), diagram.nodes.len());
    assert_eq!(layout.flows.len(), diagram.flows.len());
    assert_eq!(layout.labels.len(), diagram.flows.len());
    let written: Vec<&Bounds> = layout
        .names
        .iter()
        .chain(&layout.labels)
        .flatten()
        .collect();
    let all: Vec<&Bounds> = layout.nodes.iter().chain(written.iter().copied()).collect();
    for (index, bounds) in all.iter().enumerate() {
        for other in &all[index + 1..] {
            assert!(!overlap(bounds, other), "{name}: {bounds:?} {other:?}");
        }
        assert!(bounds.x >= 0.0 && bounds.x + bounds.width <= layout.width);
        assert!(bounds.y >= 0.0 && bounds.y + bounds.height <= layout.height);
    }
    let bounds = |id: &str| {
        let place = diagram.nodes.iter().position(|node| node.id == id);
        place.map(|place| layout.nodes[place])
    };
    let courses = diagram.flows.iter().zip(&layout.flows);
    for (index, (flow, points)) in courses.clone().enumerate() {
        let (Some(from), Some(to)) = (bounds(&flow.from), bounds(&flow.to)) else {
            assert!(points.is_empty() && layout.labels[index].is_none());
            continue;
        };
        assert_eq!(layout.labels[index].is_some(), !flow.label().is_empty());
        // From the side or from beneath to the left.
        let first = *points.first().unwrap();
        let side = (from.x + from.width, from.y + from.height / 2.0);
        let beneath = (from.x + from.width / 2.0, from.y + from.height);
        assert!(first == side || first == beneath, "{name}: {flow:?}");
        let (x, y) = *points.last().unwrap();
        assert!(
            x == to.x && y > to.y && y < to.y + to.height,
            "{name}: {flow:?}"
        );
        let own = parts(points);
        for part in &own {
            for (node, bounds) in diagram.nodes.iter().zip(&layout.nodes) {
                assert!(
                    !overlap(part, bounds),
                    "{name}: {flow:?} runs over {}",
                    node.id
                );
            }
            for label in &written {
                assert!(
                    !overlap(part, label),
                    "{name}: {flow:?} runs over {label:?}"
                );
            }
        }
        for (other, theirs) in courses.clone().skip(index + 1) {
            assert_ne!(points, theirs, "{name}: {flow:?} {other:?}");
            // Those from one node share its foot, and those that meet at a point what leads there.
            let meet = flow.to == other.to && to.width < 60.0;
            let foot = |part: &Bounds| flow.from == other.from && part.x == beneath.0;
            let mut own = own.iter().filter(|part| !meet && !foot(part));
            let theirs = parts(theirs);
            let hidden = own.any(|part| theirs.iter().any(|other| hide(part, other)));
            assert!(!hidden, "{name}: {flow:?} {other:?}");
        }
    }
}

#[test]
fn nothing_stands_on_anything_else_and_every_flow_can_be_followed() {
    for definition in definitions() {
        is_clear(&definition.id, &Diagram::of(&definition));
    }
}

/// Flows at random between nodes at random; among them flows between the same nodes, to themselves, back, and to nowhere.
fn any(random: &mut fastrand::Rng) -> Diagram {
    let count = random.usize(1..14);
    let node = |place: usize, random: &mut fastrand::Rng| {
        let (shape, label) = match random.u8(0..5) {
            0 => (Shape::Timer(Wait::CalendarDays(2)), "2 ngày"),
            1 | 2 => (Shape::Task(TaskStep::default()), "Thẩm định hồ sơ"),
            3 => (Shape::Choice, ""),
            _ => (Shape::Join { inclusive: true }, ""),
        };
        Node {
            id: place.to_string(),
            step: None,
            shape,
            label: label.to_owned(),
        }
    };
    let nodes = (0..count).map(|place| node(place, random)).collect();
    let flow = |random: &mut fastrand::Rng| {
        let (from, to) = (random.usize(0..count), random.usize(0..=count));
        let said = ["", "approved", "outcome.appraise == 'doubt' && priority"];
        Flow {
            from: from.to_string(),
            to: to.to_string(),
            outcome: said[random.usize(0..said.len())].to_owned(),
            at_most: i32::from(to <= from && random.u8(0..9) > 0),
            ..Flow::default()
        }
    };
    let flows = (0..random.usize(0..3 * count))
        .map(|_| flow(random))
        .collect();
    Diagram { nodes, flows }
}

#[test]
fn odd_diagrams_can_be_followed_too() {
    assert!(Layout::of(&any(&mut fastrand::Rng::with_seed(0))).width > 0.0);
    let nothing = Diagram {
        nodes: Vec::new(),
        flows: Vec::new(),
    };
    is_clear("nothing", &nothing);
    for seed in 0..500 {
        let diagram = any(&mut fastrand::Rng::with_seed(seed));
        is_clear(&format!("seed {seed}"), &diagram);
    }
}

#[test]
fn a_drawing_says_where_each_name_beside_a_line_is_written() {
    const DI: &str = "http://www.omg.org/spec/BPMN/20100524/DI";
    for definition in definitions() {
        let layout = Layout::of(&Diagram::of(&definition));
        let drawing = export::bpmn(&definition).unwrap();
        let document = roxmltree::Document::parse(&drawing).unwrap();
        let number = |bounds: roxmltree::Node, name| bounds.attribute(name)?.parse::<f64>().ok();
        let written: Vec<_> = document
            .descendants()
            .filter(|node| node.has_tag_name((DI, "BPMNLabel")))
            .filter_map(|label| label.first_element_child())
            .map(|bounds| ["x", "y", "width", "height"].map(|name| number(bounds, name).unwrap()))
            .collect();
        let all = layout.names.iter().chain(&layout.labels).flatten();
        let all: Vec<_> = all.map(|b| [b.x, b.y, b.width, b.height]).collect();
        assert_eq!(written, all, "{}", definition.id);
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
            "drawn.bpmn:40: intermediateCatchEvent wait: its name 'Chờ một ngày' is not kept",
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
        (
            r#"<bpmn:startEvent id="start">"#,
            r#"<bpmn:startEvent id="start" name="Bắt đầu" isInterrupting="true">"#,
        ),
        (
            r#"id="tax" name"#,
            r#"id="tax" isForCompensation="false" startQuantity="1" completionQuantity="1" name"#,
        ),
        (
            r#"<bpmn:exclusiveGateway id="decided" />"#,
            r#"<bpmn:exclusiveGateway id="decided" gatewayDirection="Diverging" />"#,
        ),
        (
            r#"isExecutable="false""#,
            r#"isExecutable="true" isClosed="false" processType="None""#,
        ),
        (
            r#"<bpmn:sequenceFlow id="f6""#,
            r#"<bpmn:sequenceFlow id="f6" name="site_visit" isImmediate="true""#,
        ),
        (
            r#"<bpmn:sequenceFlow id="f10""#,
            r#"<bpmn:sequenceFlow id="f10" name=" priority""#,
        ),
        (
            r#"<bpmn:sequenceFlow id="f13""#,
            r#"<bpmn:sequenceFlow id="f13" name="done" motcua:outcome="done""#,
        ),
        (
            r#"<bpmn:participant id="P1""#,
            r#"<bpmn:participant id="P1" name="Đăng ký hộ kinh doanh""#,
        ),
        (
            r#"id="Definitions_1""#,
            r#"id="Definitions_1" exporter="bpmn-js (https://demo.bpmn.io)" exporterVersion="18.3.1""#,
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
fn a_process_without_a_name_is_called_as_the_pool_that_it_is_drawn_in() {
    let plain = import::bpmn("drawn.bpmn", DRAWN).unwrap();
    let named = |name: &str| {
        DRAWN
            .replacen(" name=\"Đăng ký hộ kinh doanh\"", "", 1)
            .replacen(
                "<bpmn:participant id=\"P1\" processRef=\"",
                &format!("<bpmn:participant id=\"P1\" name=\"{name}\" processRef=\"tns:"),
                1,
            )
    };
    let imported = import::bpmn("drawn.bpmn", &named("Đăng ký hộ kinh doanh"))
        .unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(imported.definition, plain.definition);
    assert_eq!(imported.notes, plain.notes);

    let faults = import::bpmn("drawn.bpmn", &named(&"a".repeat(2000))).unwrap_err();
    let told = faults.to_string();
    assert!(
        told.starts_with("drawn.bpmn:2: participant P1 name: "),
        "{told}"
    );
}

#[test]
fn a_call_and_a_wait_are_called_by_what_they_do() {
    let wait = DRAWN.split_once("<bpmn:intermediateCatchEvent").unwrap().1;
    let wait = wait.split_once("</bpmn:intermediateCatchEvent>").unwrap().0;
    let wait = format!("<bpmn:intermediateCatchEvent{wait}</bpmn:intermediateCatchEvent>");
    let call = |name: &str| {
        let call = format!(
            "<bpmn:callActivity id=\"wait\" name=\"{name}\" calledElement=\"1.003197\" motcua:agency=\"police\" />"
        );
        DRAWN.replacen(&wait, &call, 1)
    };
    let lost = |text: &str| {
        let imported = import::bpmn("drawn.bpmn", text).unwrap_or_else(|faults| panic!("{faults}"));
        let notes = imported.notes.iter().map(ToString::to_string);
        notes
            .filter(|note| note.contains("its name"))
            .collect::<Vec<_>>()
    };
    assert!(lost(&call("1.003197")).is_empty());
    assert_eq!(
        lost(&call("Xóa thường trú")),
        ["drawn.bpmn:40: callActivity wait: its name 'Xóa thường trú' is not kept"]
    );
    assert!(lost(&DRAWN.replacen("Chờ một ngày", "1 ngày", 1)).is_empty());
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
