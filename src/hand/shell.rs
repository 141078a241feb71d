//! What is put around a block's code so that a shell's state comes in with it and goes out after it.

/// Names that belong to the shell or to the place it runs in: never carried.
pub(super) fn internal(name: &str) -> bool {
    const OWN: &[&str] = &[
        "_",
        "COLUMNS",
        "COPROC",
        "DIRSTACK",
        "ENV",
        "EPOCHREALTIME",
        "EPOCHSECONDS",
        "EUID",
        "FUNCNAME",
        "GROUPS",
        "HISTCMD",
        "HOSTNAME",
        "HOSTTYPE",
        "IFS",
        "LINENO",
        "LINES",
        "MACHTYPE",
        "MAILCHECK",
        "OLDPWD",
        "OPTARG",
        "OPTERR",
        "OPTIND",
        "OSTYPE",
        "PIPESTATUS",
        "POSIXLY_CORRECT",
        "PPID",
        "PS0",
        "PS1",
        "PS2",
        "PS4",
        "PWD",
        "RANDOM",
        "SECONDS",
        "SHELLOPTS",
        "SHLVL",
        "SRANDOM",
        "TERM",
        "UID",
    ];
    OWN.contains(&name) || ["BASH", "COMP_", "SSH_", "__warroom_"].iter().any(|head| name.starts_with(head))
}

/// Whether this may be the name of a variable.
pub(super) fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// One word of shell text that means exactly `text`.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// For bash: writes its variables, functions and directory to `to` when it ends, however it ends. A block's own EXIT
/// trap still runs, after it. Records are separated by NUL, which no variable can hold.
pub(super) fn bash_prologue(to: &str) -> String {
    format!("builtin unset BASH_ENV\n__warroom_to={}\n{BASH}", quoted(to))
}

const BASH: &str = r#"
__warroom_dump() {
  builtin local __warroom_name IFS=$' \t\n'
  builtin printf 'C\0%s\0' "$(builtin pwd)"
  for __warroom_name in $(builtin compgen -v); do
    case $__warroom_name in __warroom_*|BASH*|IFS|_) continue ;; esac
    builtin printf 'V\0%s\0%s\0' "$__warroom_name" "${!__warroom_name}"
    builtin declare -p "$__warroom_name"
    builtin printf '\0'
  done
  for __warroom_name in $(builtin compgen -A function); do
    case $__warroom_name in __warroom_*|trap) continue ;; esac
    builtin printf 'F\0%s\0' "$__warroom_name"
    builtin declare -f "$__warroom_name"
    builtin printf '\0'
  done
  builtin printf 'E\0'
}
__warroom_return() { builtin return "$1"; }
__warroom_exit() {
  builtin trap - ERR DEBUG RETURN
  builtin set +eufC
  if [ "$BASHPID" = "$$" ]; then
    { __warroom_dump >"$__warroom_to"; } 2>/dev/null
  fi
  case $__warroom_flags in *x*) builtin set -x ;; esac
  if [ -n "${__warroom_theirs-}" ]; then
    if __warroom_return "$__warroom_status"; then builtin eval "$__warroom_theirs"; else builtin eval "$__warroom_theirs"; fi
  fi
  { builtin exit "$__warroom_status"; } 2>/dev/null
}
trap() {
  builtin trap "$@" || builtin return
  if [ "$BASHPID" = "$$" ]; then
    __warroom_now=$(builtin trap -p EXIT)
    case $__warroom_now in
      *__warroom_exit*) ;;
      *)
        __warroom_theirs=
        if [ -n "$__warroom_now" ]; then
          builtin eval "__warroom_parts=(${__warroom_now#trap })"
          __warroom_theirs=${__warroom_parts[1]}
        fi
        builtin trap "$__warroom_ours" EXIT ;;
    esac
  fi
}
__warroom_ours='{ __warroom_status=$? __warroom_flags=$-; builtin set +x; } 2>/dev/null; __warroom_exit'
builtin trap "$__warroom_ours" EXIT
"#;

/// For any other shell: writes its directory and its exported variables to `to` when it ends. A block that sets an
/// EXIT trap of its own takes this one's place, and nothing is carried out of it.
pub(super) fn sh_prologue(to: &str) -> String {
    format!(r#"trap '{{ printf "C\0%s\0N\0" "$PWD"; env -0; }} >{to} 2>/dev/null' EXIT; "#)
}
