use super::*;
use colour::Rgb;
use proptest::prelude::*;
use ratatui::style::{Color, Modifier};

fn load(name: &str, depth: Depth) -> Theme {
    Theme::load(name, depth, &glyphs::UNICODE, &|_| None).unwrap()
}

fn seen(color: Option<Color>) -> Option<Rgb> {
    match color? {
        Color::Rgb(r, g, b) => Some(Rgb(r, g, b)),
        Color::Indexed(i) => Some(depth::indexed(i)),
        other => depth::ANSI.iter().find(|(_, c, _)| *c == other).map(|c| c.2),
    }
}

#[test]
fn every_role_can_be_read_in_every_theme_at_every_depth() {
    for name in ["dark", "light", "colour-blind"] {
        for depth in [Depth::True, Depth::Indexed, Depth::Sixteen] {
            let theme = load(name, depth);
            let ground = theme.style(Role::Text);
            for role in Role::ALL.into_iter().filter(|role| !role.ornament()) {
                let style = theme.style(role);
                let fg = seen(style.fg.or(ground.fg)).unwrap();
                let bg = seen(style.bg.or(ground.bg)).unwrap();
                let ratio = fg.contrast(bg);
                assert!(ratio >= 4.5, "{name} {depth:?} {}: {ratio:.2}", role.name());
                assert!(
                    !style.add_modifier.contains(Modifier::DIM),
                    "dim is not measured: {name} {}",
                    role.name()
                );
            }
        }
    }
}

#[test]
fn a_line_can_be_seen_on_the_band() {
    for name in ["dark", "light", "colour-blind"] {
        let theme = load(name, Depth::True);
        let (line, _) = theme.full(Role::Line);
        let (_, band) = theme.full(Role::Band);
        assert!(line.unwrap().contrast(band.unwrap()) >= 4.5, "{name}");
    }
}

#[test]
fn without_colour_the_loud_roles_still_differ_from_words() {
    for asked in ["dark", "monochrome"] {
        let theme = load(asked, Depth::None);
        assert_eq!(theme.name(), COLOURLESS);
        for role in Role::ALL {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{}", role.name());
        }
        let look = |role| theme.style(role).add_modifier;
        for loud in
            [Role::Bad, Role::Worst, Role::Selection, Role::Frozen, Role::Drill, Role::Focus, Role::Match]
        {
            assert_ne!(look(loud), look(Role::Text), "{}", loud.name());
        }
        assert_ne!(look(Role::Bad), look(Role::Worst));
    }
}

#[test]
fn bad_is_not_told_from_good_by_red_and_green_alone() {
    // Deuteranopes see red and green by their lightness and their blue alone.
    let theme = load("colour-blind", Depth::True);
    let (bad, good) = (theme.full(Role::Bad).0.unwrap(), theme.full(Role::Good).0.unwrap());
    assert!((i32::from(bad.2) - i32::from(good.2)).abs() > 100);
}

#[test]
fn a_users_theme_builds_on_another() {
    let find = |name: &str| {
        (name == "mine").then(|| {
            (
                "mine.toml".to_owned(),
                "inherits = 'dark'\n[role.bad]\nfg = '#ff00ff'\nbold = false\n".to_owned(),
            )
        })
    };
    let theme = Theme::load("mine", Depth::True, &glyphs::ASCII, &find).unwrap();
    assert_eq!(theme.style(Role::Bad).fg, Some(Color::Rgb(255, 0, 255)));
    assert_eq!(theme.style(Role::Title), load("dark", Depth::True).style(Role::Title));
}

#[test]
fn errors_point_at_the_line() {
    for (text, want) in [
        ("[role.bad]\nfg = 'red'\n", "t.toml:2:6: `red` is not a colour: write it like #c9ccd3"),
        ("[role.loud]\nfg = '#000000'\n", "t.toml:1:7: there is no role `loud`"),
        ("\n\ninherits = 'nobody'\n", "t.toml:3:12: there is no theme `nobody`"),
        ("inherits = 't'\n", "t.toml:1:12: themes inherit in a circle: t inherits t"),
        ("inherits = 'u'\n", "u.toml:1:12: themes inherit in a circle: t inherits u inherits t"),
        ("[role.bad]\nblink = true\n", "t.toml:2:1: unknown field `blink`"),
        ("[role.bad]\nansi = 'mauve'\n", "t.toml:2:8: `mauve` is none of the sixteen colours"),
        ("[role.bad\n", "t.toml:1:"),
    ] {
        let find = |name: &str| match name {
            "t" => Some(("t.toml".to_owned(), text.to_owned())),
            "u" => Some(("u.toml".to_owned(), "inherits = 't'".to_owned())),
            _ => None,
        };
        let error = Theme::load("t", Depth::True, &glyphs::UNICODE, &find).unwrap_err().to_string();
        assert!(error.starts_with(want), "{error}\n   not {want}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s).{0,80}|(inherits|role|\\[role\\.(bad|x)\\]|fg|=|'#?[0-9a-z]{0,6}'|\n| ){0,12}") {
        let _ = Theme::load("t", Depth::True, &glyphs::UNICODE, &|_| Some(("t".into(), text.clone())));
    }
}
