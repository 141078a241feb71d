//! The table.

use super::{Arg, Group, Kind, Spec, act};

const fn arg(name: &'static str, ask: &'static str, kind: Kind) -> Arg {
    Arg { name, ask, kind, optional: false }
}

const fn maybe(name: &'static str, ask: &'static str, kind: Kind) -> Arg {
    Arg { name, ask, kind, optional: true }
}

macro_rules! commands {
    ($name:ident, $group:expr; $($cmd:literal [$($alias:literal)*] ($($key:literal)*) $foot:expr, $doc:literal, [$($arg:expr),*], $when:path, $run:expr;)*) => {
        const $name: &[Spec] = &[$(Spec {
            name: $cmd, aliases: &[$($alias),*], doc: $doc, keys: &[$($key),*], group: $group, foot: $foot,
            args: &[$($arg),*], when: $when, run: $run,
        }),*];
    };
}

commands! { SAY, Group::Say;
    "note" ["say"] ("n") Some("note"), "Write something down, from anywhere",
        [arg("text", "Note", Kind::Words)], act::always, act::say::note;
    "decide" ["decision"] ("d") Some("decide"), "Record a decision in one line",
        [arg("text", "Decided", Kind::Words)], act::open, act::decision::decide;
    "proposals" [] ("V") None, "Any strong objections? See what is proposed, object, decide; or propose something",
        [], act::open, act::decision::open;
    "propose-decision" ["propose"] () None, "Put a decision to the room, with options and risks: any strong objections?",
        [arg("text", "What do you propose?", Kind::Line), maybe("options", "Which other options, with | between them? Enter: none", Kind::Line),
         maybe("risks", "What may go wrong? Enter: nothing is said", Kind::Line)], act::open, act::decision::propose;
    "proposal" [] () None, "See one proposal, object to it, decide on it",
        [arg("decision", "Which proposal?", Kind::Proposal)], act::proposed, act::decision::proposal;
    "object" [] () None, "Object strongly to a proposal, with who and why",
        [arg("decision", "Which proposal?", Kind::Proposal), arg("why", "What speaks strongly against it?", Kind::Words)], act::proposed, act::decision::object;
    "decide-on" [] () None, "Decide on a proposal; who objected is recorded with it",
        [arg("decision", "Which proposal?", Kind::Proposal), maybe("review", "Look at it again after what time? Enter: not at all", Kind::Span)],
        act::proposed, act::decision::settle;
    "withdraw-proposal" [] () None, "Take a proposal back: nothing is decided",
        [arg("decision", "Which proposal?", Kind::Proposal), arg("reason", "Why?", Kind::Words)], act::proposed, act::decision::withdraw;
    "review" [] () None, "Look at a decision again: does it still stand?",
        [arg("decision", "Which decision?", Kind::Reviewed), arg("text", "Does it still stand, or what changes?", Kind::Words)], act::reviewed, act::decision::review;
    "task" [] ("t") Some("task"), "Give somebody a task with a time box",
        [arg("who", "A task for whom?", Kind::Person), maybe("within", "Within what time? Enter: no time box", Kind::Span),
         arg("text", "What is to be done?", Kind::Words)], act::open, act::task::give;
    "task-ack" [] () Some("ack"), "Say that you have the task that you were given; K in the tasks",
        [arg("task", "Which task?", Kind::Task)], act::tasks, act::task::acknowledge;
    "task-report" [] () Some("report"), "Say how a task stands; r in the tasks",
        [arg("task", "Which task?", Kind::Task), arg("text", "How does it stand?", Kind::Words)], act::tasks, act::task::report;
    "task-extend" [] () Some("extend"), "Give a task's owner more time; + in the tasks",
        [arg("task", "Which task?", Kind::Task), arg("time", "How much more time?", Kind::Span)], act::tasks, act::task::extend;
    "task-assign" ["reassign"] () Some("reassign"), "Give a task to somebody else, or a need to its first owner; T in the tasks",
        [arg("task", "Which task?", Kind::Task), arg("who", "Who is to have it?", Kind::Person)], act::tasks, act::task::assign;
    "task-done" ["done"] () None, "Say that a task is done, and with what result",
        [arg("task", "Which task?", Kind::Task), arg("result", "With what result?", Kind::Words)], act::tasks, act::task::done;
    "report" ["can"] ("N") Some("report"), "Give a CAN report: conditions, actions, needs; a need becomes a task to assign",
        [arg("conditions", "Conditions: what do you see?", Kind::Line), arg("actions", "Actions: what do you do about it?", Kind::Line),
         arg("needs", "Needs?", Kind::Need)], act::open, act::task::can;
    "report-needs" [] () None, "Give a CAN report with needs, a line each",
        [arg("conditions", "Conditions: what do you see?", Kind::Line), arg("actions", "Actions: what do you do about it?", Kind::Line),
         arg("needs", "What do you need? A line each", Kind::Words)], act::open, act::task::can;
    "board" [] ("b") None, "Write one of the console's lines: now, goal, else; updates, polls and how often they are owed",
        [], act::open, act::say::board;
    "now" [] () None, "Write what is the case",
        [arg("text", "now", Kind::Words)], act::open, act::say::now;
    "goal" [] () None, "Write what we want, and by when",
        [arg("text", "goal", Kind::Words)], act::open, act::say::goal;
    "else" ["otherwise"] () None, "Write what happens if not, and when",
        [arg("text", "else", Kind::Words)], act::open, act::say::otherwise;
    "update" [] ("U") None, "Send an update to its targets; its clock starts anew",
        [arg("text", "The update, as it will go out", Kind::Words)], act::open, act::cadence::update;
    "external-update" ["public"] () None, "Send an update to those outside; its clock starts anew",
        [arg("text", "The update for those outside, as it will go out", Kind::Words)], act::open, act::cadence::external;
    "polled" ["poll"] () None, "Everybody was asked how it stands; the poll's clock starts anew",
        [], act::open, act::cadence::polled;
    "snooze" [] () None, "Put the next update or poll off, with a reason",
        [arg("what", "Put off what?", Kind::Beat), arg("time", "For how long?", Kind::Span), arg("reason", "Why?", Kind::Words)],
        act::owing, act::cadence::snooze;
    "pin" [] ("p") Some("pin"), "Pin the selected line, chart or output to the timeline",
        [], act::always, act::say::pin;
    "star" [] ("*") Some("star"), "Mark the selected event as important, or no longer",
        [], act::incident, act::say::star;
    "erase" [] () None, "Erase what the selected event said, for good; who did it and why stays",
        [arg("reason", "Why must it go? The words are gone for good; this reason stays", Kind::Words)], act::incident, act::say::erase;
}

commands! { INCIDENT, Group::Incident;
    "declare" [] ("D") Some("declare"), "Declare an incident; who declares commands until handed over",
        [], act::always, act::incident::declare;
    "severity" ["sev"] ("S") None, "Change the severity; the difference is shown first",
        [arg("severity", "How bad is it?", Kind::Severity), arg("reason", "Why?", Kind::Words)], act::open, act::incident::severity;
    "status" ["state"] ("v") None, "Say how far it has come: investigating to closed",
        [arg("status", "How far has it come?", Kind::Status)], act::incident, act::incident::status;
    "close" [] () None, "Close the incident: reasons that are owed are asked for, one by one",
        [], act::resolved, act::close::close;
    "close-words" [] () None, "Give an owed reason in words, and go on closing the incident",
        [arg("deviation", "Which deviation?", Kind::Deviation), arg("text", "Why, in words?", Kind::Words)], act::owed, act::close::words;
    "role" ["assign"] ("R") None, "Give somebody a role, or confirm it; command is offered, not given",
        [arg("role", "Which role?", Kind::Role), arg("who", "Who?", Kind::Person)], act::open, act::incident::role;
    "unrole" [] () None, "Take a role away",
        [arg("role", "Which role?", Kind::Role)], act::open, act::incident::unrole;
    "handover" ["command-of"] ("H") Some("command"), "Hand command over, take what is offered, or take command",
        [], act::open, act::people::handover;
    "hand-over" [] () None, "Offer command to somebody, who takes it by saying so",
        [arg("who", "Who is to command?", Kind::Person)], act::commands, act::people::hand_over;
    "accept" [] () None, "Take the command that is offered to you",
        [], act::offered, act::people::accept;
    "decline" [] () None, "Decline the command that is offered to you",
        [arg("reason", "Why not?", Kind::Words)], act::offered, act::people::decline;
    "withdraw" [] () None, "Offer command no longer",
        [], act::offering, act::people::withdraw;
    "take-command" [] () None, "Take command where nobody has it, or from one who is gone",
        [], act::open, act::people::take_command;
    "replace-commander" [] () None, "Take command from one who is gone, with a reason",
        [arg("reason", "Why do you take command? The one replaced reads it", Kind::Words)], act::commanded, act::people::replace;
    "briefing" ["brief"] ("B") None, "What an incoming commander must know, on one screen",
        [], act::incident, act::people::brief;
    "break-glass" ["glass"] () None, "Take a power that you were not given: with a reason, for a time, seen by all",
        [arg("power", "Which power do you take?", Kind::Power), arg("reason", "Why do you take it? Every seat reads it", Kind::Words)],
        act::always, act::people::break_glass;
    "give-back" [] () None, "Give a power back that you took",
        [], act::glass, act::people::give_back;
    "offline-glass" [] () None, "Break the glass for what you just asked, while the journal is out of reach: provisional, this room only",
        [arg("reason", "Offline: PROVISIONAL, this room only. Why must it be now?", Kind::Words)],
        act::held, act::people::offline_glass;
    "keep-conflict" [] () None, "Keep as a note what was recorded offline and not accepted",
        [arg("conflict", "Which conflict?", Kind::Conflict), arg("reason", "Why does it stand?", Kind::Words)], act::conflicts, act::people::keep_conflict;
    "set-conflict-aside" [] () None, "Set aside what was recorded offline and not accepted",
        [arg("conflict", "Which conflict?", Kind::Conflict), arg("reason", "Why does it not count?", Kind::Words)], act::conflicts, act::people::set_conflict_aside;
    "correct" [] ("O") Some("correct"), "Say when something really was, such as onset 01:52Z",
        [arg("moment", "Which moment?", Kind::Moment), arg("time", "When was it, UTC?", Kind::Time), arg("reason", "How is that known?", Kind::Words)],
        act::incident, act::incident::correct;
    "cadence" [] () None, "Owe updates or polls this often; nothing owes none",
        [arg("what", "How often what?", Kind::Beat), maybe("every", "How often? Enter: none are owed", Kind::Span)],
        act::open, act::cadence::cadence;
    "retitle" [] () None, "Correct the title",
        [arg("title", "Title", Kind::Words)], act::open, act::incident::retitle;
    "page" [] ("P") None, "Page somebody who is not here; it climbs until acknowledged",
        [arg("who", "Who is to be paged?", Kind::Paged), arg("why", "Why?", Kind::Words)], act::paging, act::incident::page;
    "page-ack" ["ack"] ("K") None, "Acknowledge a page: it climbs no further",
        [arg("page", "Which page?", Kind::Page)], act::paged, act::incident::page_ack;
    "page-withdraw" [] () None, "Take a page back: nobody needs to come",
        [arg("page", "Which page?", Kind::Page), arg("reason", "Why does nobody need to come?", Kind::Words)], act::paged, act::incident::page_withdraw;
    "incident" [] ("I") None, "Look at another incident",
        [arg("incident", "Which incident?", Kind::Incident)], act::incident, act::incident::look;
    "export" ["draft"] ("X") None, "Write the post-mortem draft out",
        [], act::incident, act::incident::export;
    "answer" [] ("A") None, "Answer a prompt of the draft",
        [arg("prompt", "Which prompt?", Kind::Todo), arg("text", "Answer", Kind::Words)], act::todos, act::incident::answer;
}

commands! { RUNBOOK, Group::Runbook;
    "walk" ["start"] ("W") Some("start a runbook"), "Start a runbook",
        [arg("runbook", "Which runbook?", Kind::Runbook)], act::runbooks, act::walk::start;
    "act" [] ("enter") Some("act"), "Act on what is selected: take the step, tick, choose, open",
        [], act::always, act::enter::act;
    "approve" [] ("a") Some("approve"), "See exactly what waits for approval, and approve it",
        [], act::asked, act::walk::approve;
    "reject" [] () None, "Say no to what asks for approval",
        [arg("reason", "Why not?", Kind::Words)], act::asked, act::walk::reject;
    "skip" [] ("s") Some("skip"), "Leave the step out: a deviation",
        [], act::step, act::deviate::skip;
    "manual" ["by-hand"] ("m") None, "Say that the step was done by hand: a deviation",
        [], act::step, act::deviate::manual;
    "override" [] ("o") None, "Pass over what failed: a deviation",
        [], act::step, act::deviate::override_;
    "not-applicable" ["na" "n/a"] ("x") None, "The step does not apply; costs nothing on a conditional step",
        [], act::step, act::deviate::not_applicable;
    "edit" [] ("e") None, "Edit the step's command in $EDITOR; the difference is the record",
        [], act::step, act::walk::edit;
    "reason" [] ("r") None, "Give the reason that a deviation owes",
        [arg("deviation", "Which deviation?", Kind::Deviation), arg("why", "Why?", Kind::Reason)], act::owed, act::deviate::reason;
    "reason-words" [] () None, "Give a deviation's reason in words",
        [arg("deviation", "Which deviation?", Kind::Deviation), arg("text", "Why, in words?", Kind::Words)], act::owed, act::deviate::reason_words;
    "unlisted" [] () None, "Record something done that stands in no runbook",
        [arg("what", "What was done?", Kind::Words)], act::open, act::deviate::unlisted;
    "inputs" ["input"] ("i") None, "Enter a value of the runbook",
        [arg("name", "Which value?", Kind::Input), arg("value", "Its value", Kind::InputValue)], act::inputs, act::walk::input;
    "undo" [] ("u") None, "Run the step's undo",
        [], act::step, act::walk::undo;
    "again" [] () None, "Run a finished step again: a deviation",
        [], act::step, act::walk::again;
    "cancel" [] ("c") None, "Cancel the running step: its whole process group is ended",
        [], act::running, act::walk::cancel;
    "extend" [] ("+") None, "Give the running step more time",
        [arg("time", "How much more time?", Kind::Span)], act::running, act::walk::extend;
    "take-over" [] ("T") None, "Take an unknown or stuck step from its owner",
        [arg("reason", "Why do you take it over?", Kind::Words)], act::taken, act::walk::take_over;
    "abandon" [] () None, "End the walk before its end",
        [arg("reason", "Why does it end?", Kind::Words)], act::walking, act::walk::abandon;
    "look-at" ["walks"] () None, "Look at another walk",
        [arg("walk", "Which walk?", Kind::Walk)], act::walks, act::walk::look;
    "copy" ["yank"] ("y") None, "Copy the selected line or the step's command to your clipboard",
        [], act::always, act::look::copy;
}

commands! { GATE, Group::Gate;
    "freeze" [] ("F") Some("freeze"), "Freeze deploys; rollbacks stay free",
        [arg("scope", "Freeze what? service/env, or all", Kind::Scope), arg("lease", "For how long?", Kind::Span), arg("reason", "Why?", Kind::Words)],
        act::always, act::freeze::begin;
    "renew" [] () None, "Renew a freeze's lease from now",
        [arg("freeze", "Which freeze?", Kind::Freeze), arg("lease", "For how long from now?", Kind::Span), arg("reason", "Why?", Kind::Words)],
        act::frozen, act::freeze::renew;
    "lift" ["thaw"] ("L") None, "Lift a freeze",
        [arg("freeze", "Which freeze?", Kind::Freeze), arg("reason", "Why may deploys go on?", Kind::Words)], act::frozen, act::freeze::lift;
    "exempt" [] () None, "Let one artifact pass a freeze",
        [arg("freeze", "Which freeze?", Kind::Freeze), arg("artifact", "Which artifact, exactly as the pipeline names it?", Kind::Value), arg("reason", "Why?", Kind::Words)],
        act::frozen, act::freeze::exempt;
    "judge" [] ("J") None, "Judge an artifact good or bad",
        [arg("artifact", "Which artifact? service/version", Kind::Artifact), arg("judgement", "Good or bad?", Kind::Judgement), arg("reason", "Why?", Kind::Words)],
        act::always, act::freeze::judge;
}

commands! { LOOK, Group::Look;
    "war-room" ["home"] ("1") None, "Everything at a glance", [], act::always, act::look::war_room;
    "runbook" [] ("2") None, "The walk and its open step", [], act::always, act::look::runbook;
    "tasks" [] ("w") None, "Who does what: to the tasks, on the one that waits most", [], act::incident, act::look::tasks;
    "metrics" ["charts"] ("3") None, "Charts with baseline and marks", [], act::always, act::look::metrics;
    "logs" [] ("4") None, "Log lines", [], act::always, act::look::logs;
    "releases" ["freezes"] ("5") None, "What runs where, and what is frozen", [], act::always, act::look::releases;
    "timeline" [] ("6") None, "What has happened", [], act::always, act::look::timeline;
    "post-mortem" ["postmortem"] ("7") None, "The post-mortem draft as it stands", [], act::always, act::look::post_mortem;
    "people" ["who" "here"] ("@") None, "Who is here, where they look, and the line to join", [], act::always, act::presence::people;
    "follow" [] ("f") None, "Look where another looks, at your own size and theme, until you move yourself",
        [arg("who", "Whom do you follow?", Kind::Seat)], act::presence::others, act::presence::follow;
    "look-here" ["point"] ("E") None, "Ask all to look where you look; for who commands", [], act::presence::leads, act::presence::point;
    "look-away" [] () None, "Ask nobody to look any more", [], act::presence::pointing, act::presence::unpoint;
    "look" [] ("!") None, "Go where all are asked to look", [], act::presence::pointed, act::presence::look;
    "unfollow" [] () None, "Follow nobody any more", [], act::presence::following, act::presence::unfollow;
    "next-pane" [] ("tab") None, "Focus the next pane", [], act::always, act::look::next_pane;
    "previous-pane" [] ("shift-tab") None, "Focus the pane before", [], act::always, act::look::previous_pane;
    "up" [] ("up" "k") None, "Up", [], act::always, act::look::up;
    "down" [] ("down" "j") None, "Down", [], act::always, act::look::down;
    "page-up" [] ("pageup" "ctrl-b") None, "A page up", [], act::always, act::look::page_up;
    "page-down" [] ("pagedown" "ctrl-f") None, "A page down", [], act::always, act::look::page_down;
    "first" [] ("g" "home") None, "To the first", [], act::always, act::look::first;
    "last" [] ("G" "end") None, "To the newest, and follow", [], act::always, act::look::last;
    "back-in-time" [] ("left" "h") None, "Move the time cursor back", [], act::always, act::look::back_in_time;
    "on-in-time" [] ("right" "l") None, "Move the time cursor on", [], act::always, act::look::on_in_time;
    "wider" [] ("Z") None, "Look further back in charts", [], act::always, act::look::wider;
    "closer" [] ("z") None, "Look closer in charts", [], act::always, act::look::closer;
    "filter" [] ("/") Some("filter"), "Filter log lines by a regular expression, the timeline by words",
        [maybe("pattern", "Show only what matches; Enter on nothing shows all", Kind::Pattern)], act::filterable, act::look::filter;
    "level" [] () None, "Show log lines from this level on",
        [arg("level", "From which level on?", Kind::Level)], act::always, act::look::level;
    "starred" [] () None, "Show starred events only, or all again", [], act::incident, act::look::starred;
    "details" [] (".") None, "Show details in the timeline, or hide them", [], act::always, act::look::details;
    "pause" [] ("space") Some("pause"), "Let the pane stand still while its source goes on", [], act::always, act::look::pause;
    "dismiss" [] ("delete") None, "Dismiss the errors shown until they say something else", [], act::always, act::look::dismiss;
}

commands! { SEAT, Group::Seat;
    "palette" ["command"] (":") Some("cmd"), "Find a command by name", [], act::always, act::seat::palette;
    "help" [] ("?") Some("help"), "What every key does", [], act::always, act::seat::help;
    "coach" [] ("C") None, "Switch the drill's coach off or on", [], act::always, act::seat::coach;
    "back" [] ("esc") None, "Back: the cursor, the selection, then the war room", [], act::always, act::seat::back;
    "redraw" [] ("ctrl-l") None, "Draw everything anew", [], act::always, act::seat::redraw;
    "suspend" [] ("ctrl-z") None, "Stop this seat until the shell continues it; the room goes on", [], act::always, act::seat::suspend;
    "leave" ["quit" "q"] ("q") Some("leave"), "Leave the seat; the room goes on", [], act::always, act::seat::leave;
    "interrupt" [] ("ctrl-c") None, "Says how to leave and how to cancel; it ends nothing", [], act::always, act::seat::interrupt;
}

/// All commands, by chapter.
pub fn all() -> impl Iterator<Item = &'static Spec> {
    [SAY, INCIDENT, RUNBOOK, GATE, LOOK, SEAT].into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_keys_are_given_once() {
        let mut names = BTreeSet::new();
        let mut keys = BTreeSet::new();
        for spec in all() {
            for name in std::iter::once(&spec.name).chain(spec.aliases) {
                assert!(names.insert(*name), "{name} twice");
            }
            for key in spec.keys {
                assert!(key.parse::<crate::seat::term::KeyChord>().is_ok(), "{key}");
                assert!(keys.insert(*key), "{key} twice");
            }
            assert!(!spec.doc.ends_with('.'), "{}", spec.doc);
            let words = spec.args.iter().position(|arg| arg.kind == Kind::Words);
            assert!(words.is_none_or(|at| at + 1 == spec.args.len()), "{}: words come last", spec.name);
        }
    }
}
