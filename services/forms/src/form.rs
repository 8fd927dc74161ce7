//! Which form, in which version, on which sheet, and what is filled into it.

use crate::data;
use serde::Serialize;
use std::{fmt, str::FromStr};

/// A form of circular 03/2025/TT-VPCP (annex I) or of circular 66/2023/TT-BCA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Giấy tiếp nhận hồ sơ và hẹn trả kết quả.
    Mau01,
    /// Phiếu yêu cầu bổ sung, hoàn thiện hồ sơ.
    Mau02,
    /// Phiếu từ chối tiếp nhận, giải quyết hồ sơ.
    Mau03,
    /// Văn bản xin lỗi và đề nghị gia hạn thời gian giải quyết.
    Mau04,
    /// Thông báo dừng giải quyết hồ sơ.
    Mau05,
    /// Phiếu kiểm soát quá trình giải quyết hồ sơ.
    Mau06,
    /// Sổ theo dõi hồ sơ.
    Mau07,
    /// Residence: in place of Mẫu 01.
    Ct04,
    /// Residence: in place of Mẫu 02.
    Ct05,
    /// Residence: in place of Mẫu 03.
    Ct06,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Mau01,
        Self::Mau02,
        Self::Mau03,
        Self::Mau04,
        Self::Mau05,
        Self::Mau06,
        Self::Mau07,
        Self::Ct04,
        Self::Ct05,
        Self::Ct06,
    ];

    /// The name by which data refers to it, such as `mau01`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mau01 => "mau01",
            Self::Mau02 => "mau02",
            Self::Mau03 => "mau03",
            Self::Mau04 => "mau04",
            Self::Mau05 => "mau05",
            Self::Mau06 => "mau06",
            Self::Mau07 => "mau07",
            Self::Ct04 => "ct04",
            Self::Ct05 => "ct05",
            Self::Ct06 => "ct06",
        }
    }

    /// The form of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// A form in one of its versions. Whoever keeps it beside the data can print the same paper again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FormId {
    /// Which form.
    pub form: Kind,
    /// Which version of its template, from 1.
    pub version: u16,
}

impl FormId {
    /// The version that new papers are made with.
    #[must_use]
    pub fn latest(form: Kind) -> Self {
        Self {
            form,
            version: crate::template::latest(form),
        }
    }
}

impl fmt::Display for FormId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.form.name(), self.version)
    }
}

/// What no form in any version is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownForm;

impl FromStr for FormId {
    type Err = UnknownForm;

    /// Reads what is displayed: `mau01-1`.
    fn from_str(text: &str) -> Result<Self, UnknownForm> {
        let (name, version) = text.rsplit_once('-').ok_or(UnknownForm)?;
        Ok(Self {
            form: Kind::named(name).ok_or(UnknownForm)?,
            version: version.parse().map_err(|_| UnknownForm)?,
        })
    }
}

/// The sheet that is printed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sheet {
    /// 210 × 297 mm.
    A4,
    /// 148 × 210 mm; for what is handed out at the counter.
    A5,
}

impl Sheet {
    /// "A4", "A5".
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A4 => "A4",
            Self::A5 => "A5",
        }
    }
}

/// What is filled into a form. The residence forms take what the general ones take.
#[derive(Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Form {
    /// For Mẫu 01 and CT04.
    Receipt(data::Receipt),
    /// For Mẫu 02 and CT05.
    Supplement(data::Supplement),
    /// For Mẫu 03 and CT06.
    Refusal(data::Refusal),
    /// For Mẫu 04.
    Apology(data::Apology),
    /// For Mẫu 05.
    Stop(data::Stop),
    /// For Mẫu 06.
    ControlSheet(data::ControlSheet),
    /// For Mẫu 07.
    Register(data::Register),
}

impl Form {
    /// Reads what was filled into a form of that kind and kept as JSON.
    ///
    /// # Errors
    /// For what that form does not ask for.
    pub fn read(kind: Kind, json: &[u8]) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            Kind::Mau01 | Kind::Ct04 => Self::Receipt(serde_json::from_slice(json)?),
            Kind::Mau02 | Kind::Ct05 => Self::Supplement(serde_json::from_slice(json)?),
            Kind::Mau03 | Kind::Ct06 => Self::Refusal(serde_json::from_slice(json)?),
            Kind::Mau04 => Self::Apology(serde_json::from_slice(json)?),
            Kind::Mau05 => Self::Stop(serde_json::from_slice(json)?),
            Kind::Mau06 => Self::ControlSheet(serde_json::from_slice(json)?),
            Kind::Mau07 => Self::Register(serde_json::from_slice(json)?),
        })
    }

    /// Whether this is what the form asks for.
    #[must_use]
    pub const fn fits(&self, kind: Kind) -> bool {
        matches!(
            (self, kind),
            (Self::Receipt(_), Kind::Mau01 | Kind::Ct04)
                | (Self::Supplement(_), Kind::Mau02 | Kind::Ct05)
                | (Self::Refusal(_), Kind::Mau03 | Kind::Ct06)
                | (Self::Apology(_), Kind::Mau04)
                | (Self::Stop(_), Kind::Mau05)
                | (Self::ControlSheet(_), Kind::Mau06)
                | (Self::Register(_), Kind::Mau07)
        )
    }
}
