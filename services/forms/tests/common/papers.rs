//! Invented papers: nobody in them lives.

use jiff::civil::{date, datetime};
use motcua_forms::{Form, Kind, data::*};

pub(crate) fn office() -> Office {
    Office {
        above: None,
        agency: "Ủy ban nhân dân\nphường Sông Trăng".into(),
        centre: Some("Trung tâm Phục vụ hành chính công phường Sông Trăng".into()),
        place: "Sông Trăng".into(),
        phone: Some("0236 000 0000".into()),
    }
}

pub(crate) fn police() -> Office {
    Office {
        above: Some("Công an thành phố Bến Mây".into()),
        agency: "Công an phường Sông Trăng".into(),
        centre: None,
        place: "Sông Trăng".into(),
        phone: Some("0236 000 0001".into()),
    }
}

pub(crate) fn reference(number: &str) -> Reference {
    Reference {
        number: Some(number.into()),
        code: "H24.242-260313-0007".into(),
        link: Some("https://motcua.example/tra-cuu/H24.242-260313-0007".into()),
        trace: Some("4bf92f3577b34da6a3ce929d0e0e4736".into()),
        issued: date(2026, 3, 13),
    }
}

pub(crate) fn applicant() -> Applicant {
    Applicant {
        name: "Đoàn Thị Ngọc Quyễn".into(),
        authorised: None,
        address: "Tổ 5, đường Lê Văn Thử, phường Sông Trăng, thành phố Bến Mây".into(),
        phone: Some("0900 000 001".into()),
        email: Some("quyen.doan@example.vn".into()),
    }
}

pub(crate) fn procedure() -> Procedure {
    Procedure {
        code: "1.001193".into(),
        name: "Thủ tục đăng ký khai sinh".into(),
    }
}

fn residence() -> Procedure {
    Procedure {
        code: "1.004222".into(),
        name: "Đăng ký thường trú".into(),
    }
}

pub(crate) fn receipt() -> Receipt {
    let paper = |name: &str, kind, count| Paper {
        name: name.into(),
        kind,
        count,
    };
    Receipt {
        office: office(),
        reference: reference("128/TNHS"),
        applicant: applicant(),
        procedure: procedure(),
        papers: vec![
            paper("Tờ khai đăng ký khai sinh theo mẫu", PaperKind::Original, 1),
            paper("Giấy chứng sinh", PaperKind::Original, 1),
            paper("Giấy chứng nhận kết hôn của cha, mẹ", PaperKind::Copy, 1),
            paper(
                "Thẻ căn cước của người đi đăng ký",
                PaperKind::Photograph,
                2,
            ),
            paper("Văn bản ủy quyền được chứng thực", PaperKind::Electronic, 1),
        ],
        sets: 1,
        limit: Some("Trong ngày làm việc".into()),
        received_at: datetime(2026, 3, 13, 10, 56, 0, 0),
        due_at: datetime(2026, 3, 13, 17, 0, 0, 0),
        result_at: "Trung tâm Phục vụ hành chính công phường Sông Trăng".into(),
        fee: Some(Fee {
            amount: 50_000,
            paid: true,
            note: None,
        }),
        register: Some(RegisterEntry {
            book: "01/2026".into(),
            number: "128".into(),
        }),
        receiver: Some("Trần Quốc Vượng".into()),
        helped_by: Some("Bưu cục Bến Mây".into()),
    }
}

pub(crate) fn supplement() -> Supplement {
    Supplement {
        office: office(),
        reference: reference("9/HDHS"),
        applicant: applicant(),
        procedure: procedure(),
        phase: Phase::Reception,
        items: vec![
            Missing {
                what: "Giấy chứng sinh".into(),
                how: Some("Nộp bản chính do cơ sở y tế cấp; nếu đã mất thì nộp văn bản xác nhận của người làm chứng".into()),
            },
            Missing { what: "Tờ khai: mục nơi sinh chưa ghi".into(), how: None },
        ],
        reason: "Hồ sơ nộp trực tuyến thiếu giấy tờ theo thành phần hồ sơ đã công bố.".into(),
        ground: "Điều 16 Luật Hộ tịch năm 2014; khoản 1 Điều 9 Nghị định số 123/2015/NĐ-CP.".into(),
        until: Some(datetime(2026, 3, 24, 17, 0, 0, 0)),
        made_by: Some("Trần Quốc Vượng".into()),
    }
}

pub(crate) fn refusal() -> Refusal {
    Refusal {
        office: office(),
        reference: reference("3/TCHS"),
        applicant: applicant(),
        procedure: procedure(),
        reason: "Trẻ đã được đăng ký khai sinh tại xã Đồi Cỏ ngày 02 tháng 02 năm 2026.\nMột người chỉ được đăng ký khai sinh một lần."
            .into(),
        ground: "Điều 14 Luật Hộ tịch năm 2014.".into(),
        advice: Some("Nếu cần bản sao Giấy khai sinh, Ông/Bà yêu cầu cấp bản sao trích lục hộ tịch tại bất kỳ cơ quan quản lý cơ sở dữ liệu hộ tịch nào.".into()),
        made_by: Some("Trần Quốc Vượng".into()),
    }
}

pub(crate) fn forms() -> Vec<(Kind, Form)> {
    let head = Signatory {
        capacity: "Chủ tịch".into(),
        name: Some("Nguyễn Hữu Ẩn".into()),
    };
    let hand = |hour, minute, by: &str| {
        Some(Hand {
            at: datetime(2026, 3, 13, hour, minute, 0, 0),
            by: by.into(),
        })
    };
    vec![
        (Kind::Mau01, Form::Receipt(receipt())),
        (Kind::Mau02, Form::Supplement(supplement())),
        (Kind::Mau03, Form::Refusal(refusal())),
        (
            Kind::Mau04,
            Form::Apology(Apology {
                office: Office { centre: None, ..office() },
                reference: reference("2/PXL-UBND"),
                applicant: applicant(),
                procedure: procedure(),
                received_at: datetime(2026, 3, 13, 10, 56, 0, 0),
                due_at: datetime(2026, 3, 13, 17, 0, 0, 0),
                reason: "phải chờ kết quả xác minh của cơ quan đã cấp Giấy chứng nhận kết hôn.".into(),
                new_due_at: datetime(2026, 3, 18, 17, 0, 0, 0),
                head: head.clone(),
            }),
        ),
        (
            Kind::Mau05,
            Form::Stop(Stop {
                office: Office { centre: None, ..office() },
                reference: reference("4/TB-UBND"),
                applicant: Applicant {
                    authorised: Some(Authorised {
                        name: "Lê Văn Bửu".into(),
                        ground: "Giấy ủy quyền ngày 02 tháng 3 năm 2026".into(),
                        by_law: false,
                    }),
                    ..applicant()
                },
                procedure: procedure(),
                received_at: Some(datetime(2026, 3, 13, 10, 56, 0, 0)),
                phase: "Thẩm định hồ sơ".into(),
                reason: "Quá thời hạn bổ sung, hoàn thiện hồ sơ mà cơ quan chưa nhận được giấy tờ bổ sung.".into(),
                ground: "Nghị định số 118/2025/NĐ-CP.".into(),
                fees: Some("Hoàn trả 50.000 đồng trong 05 ngày làm việc.".into()),
                originals: Some("Trả lại Ông/Bà tại Trung tâm Phục vụ hành chính công.".into()),
                head,
            }),
        ),
        (
            Kind::Mau06,
            Form::ControlSheet(ControlSheet {
                office: office(),
                reference: reference("128/KSHS"),
                applicant: applicant().name,
                procedure: procedure(),
                responsible: "Phòng Văn hóa - Xã hội".into(),
                cooperating: vec!["Công an phường Sông Trăng".into(), "Bảo hiểm xã hội cơ sở Bến Mây".into()],
                received_at: datetime(2026, 3, 13, 10, 56, 0, 0),
                due_at: datetime(2026, 3, 13, 17, 0, 0, 0),
                handovers: vec![
                    Handover {
                        unit: "Trung tâm Phục vụ hành chính công".into(),
                        step: Some("Tiếp nhận hồ sơ".into()),
                        handed_over: None,
                        received: hand(10, 56, "Trần Quốc Vượng"),
                        outcome: Some(Outcome::Early),
                        planned_minutes: Some(60),
                        used_minutes: Some(20),
                        note: None,
                    },
                    Handover {
                        unit: "Phòng Văn hóa - Xã hội".into(),
                        step: Some("Thẩm định".into()),
                        handed_over: hand(11, 16, "Trần Quốc Vượng"),
                        received: hand(13, 30, "Phạm Thị Thủy"),
                        outcome: Some(Outcome::Overdue),
                        planned_minutes: Some(120),
                        used_minutes: Some(155),
                        note: Some("Chờ xác minh giấy chứng sinh".into()),
                    },
                    Handover {
                        unit: "Lãnh đạo Ủy ban nhân dân phường".into(),
                        step: Some("Ký duyệt".into()),
                        handed_over: hand(16, 5, "Phạm Thị Thủy"),
                        received: hand(16, 10, "Nguyễn Hữu Ẩn"),
                        outcome: None,
                        planned_minutes: Some(30),
                        used_minutes: None,
                        note: None,
                    },
                ],
            }),
        ),
        (
            Kind::Mau07,
            Form::Register(Register {
                office: office(),
                book: "01/2026".into(),
                from: date(2026, 3, 1),
                until: date(2026, 3, 31),
                lines: (1..=14).map(line).collect(),
            }),
        ),
        (
            Kind::Ct04,
            Form::Receipt(Receipt {
                office: police(),
                procedure: residence(),
                papers: vec![
                    Paper {
                        name: "Tờ khai thay đổi thông tin cư trú (Mẫu CT01)".into(),
                        kind: PaperKind::Original,
                        count: 1,
                    },
                    Paper {
                        name: "Giấy tờ chứng minh chỗ ở hợp pháp".into(),
                        kind: PaperKind::Copy,
                        count: 1,
                    },
                ],
                result_at: "Công an phường Sông Trăng".into(),
                limit: Some("07 ngày làm việc".into()),
                due_at: datetime(2026, 3, 24, 17, 0, 0, 0),
                fee: Some(Fee { amount: 0, paid: false, note: Some("miễn lệ phí: hộ nghèo".into()) }),
                register: None,
                receiver: None,
                ..receipt()
            }),
        ),
        (Kind::Ct05, Form::Supplement(Supplement { office: police(), procedure: residence(),
                items: vec![Missing {
                    what: "Giấy tờ chứng minh chỗ ở hợp pháp".into(),
                    how: Some("Nộp bản sao có chứng thực".into()),
                }],
                ground: "Điều 21 Luật Cư trú năm 2020.".into(),
                ..supplement() })),
        (
            Kind::Ct06,
            Form::Refusal(Refusal {
                office: police(),
                procedure: residence(),
                reason: "Chỗ ở không thuộc trường hợp được đăng ký thường trú.".into(),
                ground: "Điều 23 Luật Cư trú năm 2020.".into(),
                advice: None,
                ..refusal()
            }),
        ),
    ]
}

fn line(number: u64) -> RegisterLine {
    let done = !number.is_multiple_of(3);
    RegisterLine {
        number: number.to_string(),
        code: format!("H24.242-260313-{number:04}"),
        procedure: procedure().name,
        sets: 1,
        applicant: applicant().name,
        address: applicant().address,
        phone: applicant().phone,
        received_at: datetime(2026, 3, 13, 8, 0, 0, 0),
        due_at: datetime(2026, 3, 13, 17, 0, 0, 0),
        handed_over_at: done.then(|| datetime(2026, 3, 13, 15, 40, 0, 0)),
        given_by: done.then(|| "Trần Quốc Vượng".into()),
        received_by: done.then(|| "Đoàn Thị Ngọc Quyễn".into()),
        note: (number == 2).then(|| "Trả kết quả tại nhà".into()),
    }
}

/// Names of 120 letters, 40 papers, an address of 300 letters, a word of 200 letters: long, but somebody has it.
pub(crate) fn longest() -> Vec<(&'static str, Kind, Form)> {
    let name = "Nguyễn Phúc Hoàng Thái Đoàn Trương Quỳnh Hương Giang Bảo Ngọc "
        .repeat(2)
        .trim()
        .to_owned();
    let address =
        "Căn hộ số 1205, tầng 12, tòa nhà Hướng Dương, khu đô thị sinh thái ven sông Trăng, "
            .repeat(4);
    let word = "Đ".repeat(200);
    let person = Applicant {
        name: name.clone(),
        authorised: Some(Authorised {
            name: name.clone(),
            ground: address.clone(),
            by_law: false,
        }),
        address: address.clone(),
        phone: Some("0".repeat(40)),
        email: Some(format!("{}@example.vn", "quyen".repeat(30))),
    };
    let long_procedure = Procedure {
        code: "1.001193".into(),
        name: address.clone(),
    };
    let long_office = Office {
        above: Some(name.clone()),
        agency: name.clone(),
        centre: Some(format!("Trung tâm {name}")),
        place: name.clone(),
        phone: Some("0".repeat(40)),
    };
    let papers = (1..=40)
        .map(|number| Paper {
            name: if number % 7 == 0 {
                word.clone()
            } else {
                format!("{number}. {}", &name)
            },
            kind: PaperKind::Photograph,
            count: 4_000_000_000,
        })
        .collect();
    let long_receipt = Receipt {
        office: long_office.clone(),
        reference: Reference {
            number: Some(word.clone()),
            trace: Some("a".repeat(200)),
            ..reference("1")
        },
        applicant: person.clone(),
        procedure: long_procedure.clone(),
        papers,
        limit: Some(address.clone()),
        result_at: address.clone(),
        fee: Some(Fee {
            amount: i64::MAX,
            paid: false,
            note: Some(address.clone()),
        }),
        register: Some(RegisterEntry {
            book: word.clone(),
            number: word.clone(),
        }),
        receiver: Some(word.clone()),
        ..receipt()
    };
    let mut items = vec![Missing {
        what: word.clone(),
        how: Some(address.repeat(30)),
    }];
    items.extend((0..12).map(|_| Missing {
        what: address.clone(),
        how: Some(name.clone()),
    }));
    let long_supplement = Supplement {
        office: long_office,
        applicant: person,
        procedure: long_procedure,
        items,
        reason: address.repeat(12),
        ground: word.clone(),
        ..supplement()
    };
    let lines = (1..=30)
        .map(|number| RegisterLine {
            applicant: if number % 5 == 0 {
                word.clone()
            } else {
                name.clone()
            },
            address: address.clone(),
            code: word[..60].to_owned(),
            given_by: Some(name.clone()),
            note: Some(word.clone()),
            ..line(number)
        })
        .collect();
    vec![
        ("mau01", Kind::Mau01, Form::Receipt(long_receipt)),
        ("mau02", Kind::Mau02, Form::Supplement(long_supplement)),
        (
            "mau07",
            Kind::Mau07,
            Form::Register(Register {
                office: office(),
                book: word.clone(),
                from: date(2026, 3, 1),
                until: date(2026, 3, 31),
                lines,
            }),
        ),
    ]
}
