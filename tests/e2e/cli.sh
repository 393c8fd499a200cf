#!/bin/sh
# Every command of kith, on one node and across two: what it prints, and what it says when it fails.

. "${KITH_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}/tests/e2e/lib.sh"

is_id() { printf '%s\n' "$1" | grep -Eq '^[a-z2-7]{52}$'; }
# field KEY: the first of that name in each object on standard input.
field()
{
	awk -v key="\"$1\":\"" '{ i = index($0, key); if (i) { s = substr($0, i + length(key)); print substr(s, 1, index(s, "\"") - 1) } }'
}

# ---- without a node

like "--help lists the commands" "$(by ada --help)" '^  send GROUP'
like "help of one command shows its options" "$(by ada help invite)" '--expires T'
like "help of a family shows all of it" "$(by ada help panel)" 'kith panel inherit'
like "--version" "$(by ada --version)" '^kith [0-9]+\.[0-9]+\.[0-9]+$'
refused "nothing asked" 2 '^usage: kith' by ada
refused "an unknown command names the nearest" 2 'did you mean "groups"' by ada grops
refused "half a command lists the rest" 2 'group new, group set' by ada group
refused "too few words" 2 'kith send GROUP' by ada send garden
refused "too many words" 2 'kith leave GROUP' by ada leave a b
refused "an unknown option names the nearest" 2 'did you mean --last' by ada read x --lst 3
refused "an option of another command" 2 'takes no --uses' by ada read x --uses 3
refused "an option without its value" 2 '--last needs N' by ada read x --last
refused "an option twice" 2 'there twice' by ada read x --last 3 --last 4
refused "no UTF-8" 2 'not UTF-8' by ada send x "$(printf '\377')"
refused "nobody is signed in" 1 'kith register NAME' by ada groups
refused "no node answers" 3 'is kithd running' by ada --url http://127.0.0.1:1 register ada
refused "not the address of a node" 2 'begins with http' by ada --url gopher://x register ada
refused "two names" 2 'give one' by ada --as eve register ada
mkdir -m 755 "$work/home-open"
refused "a folder that others can read" 1 'chmod 700' by open groups

node one
node two --peer "$(peer one)"

# ---- accounts

U=$(url one)
like "register prints the handle" "$(by ada --url "$U" register ada 2>"$work/note")" '^ada#[0-9]{4,5}$'
like "and the recovery key, to people" "$(cat "$work/note")" '^ *[a-z2-7]{52}$'
same "sessions are ours alone" "700 600" "$(stat -c %a "$work/home-ada") $(stat -c %a "$work"/home-ada/session-*)"
unlike "no password is kept" "$(cat "$work"/home-ada/session-*)" 'horse'
same "KITH_URL says where" 0 "$(KITH_URL=$U by bob register --as bob >/dev/null 2>&1; echo $?)"
person cy one
person eve two
refused "a wrong password" 1 '.' env KITH_PASSWORD=wrong-password KITH_HOME="$work/home-ada" "$(kith_bin)" --url "$U" login ada
refused "a short password" 1 '8' env KITH_PASSWORD=x KITH_HOME="$work/home-x" "$(kith_bin)" --url "$U" register x
refused "no terminal to ask on" 2 'KITH_PASSWORD' env -u KITH_PASSWORD KITH_HOME="$work/home-x" setsid "$(kith_bin)" --url "$U" register x
like "login prints the handle" "$(by ada --url "$U" login ada)" '^ada#'
same "one file for one account" 1 "$(ls "$work"/home-ada/session-* | wc -l)"
same "two sessions at the node" 2 "$(by ada sessions | wc -l)"
same "one of them is this one" 1 "$(by ada sessions --json | grep -c '"current":true')"
token=$(by ada token script messages.read)
like "a token for a program" "$token" '^[a-z2-7]{52}$'
same "is among the sessions" 1 "$(by ada sessions | grep -c 'script *token')"
refused "no such scope" 1 'everything' by ada token script everything
check "ending the others" by ada sessions --end others
same "leaves one" 1 "$(by ada sessions | wc -l)"
check "passwd" env KITH_NEW_PASSWORD="battery staple" KITH_HOME="$work/home-cy" "$(kith_bin)" passwd
refused "the old password is none any more" 1 '.' by cy --url "$U" login cy
check "the new one is" env KITH_PASSWORD="battery staple" KITH_HOME="$work/home-cy" "$(kith_bin)" --url "$U" login cy
like "guest" "$(by gus --url "$U" guest gus)" '^gus#'
like "claim" "$(by gus claim gustav 2>/dev/null)" '^gustav#'
refused "claim twice" 1 'claimed' by gus claim
check "logout" by gus logout
refused "then nobody is signed in" 1 'not signed in' by gus groups
like "several accounts in one folder" "$(by both --url "$U" register kim 2>/dev/null; by both --url "$(url two)" register kim 2>/dev/null)" '^kim#'
refused "a name of two accounts lists them" 1 '^  kim#.*http' by both --as kim groups
check "--url tells them apart" by both --as kim --url "$U" groups
same "the newest is the default" "$(url two)" "$(by both login kim --url "$(url two)" --json | field url)"
refused "nobody of that name" 1 'not signed in as zoe' by both --as zoe groups

# ---- groups

G=$(by ada group new garden)
check "group new prints an id" is_id "$G"
like "groups" "$(by ada groups)" "^$(echo "$G" | cut -c1-8)  garden  invite  1 members, 1 nodes  owner"
same "groups --json" "$G" "$(by ada groups --json | field id)"
check "group set prints an act" is_id "$(by ada group set garden topic "beans and peas")"
refused "a setting that cannot be" 1 'open, invite or request' by ada group set garden join sideways
refused "no such group" 1 'kith groups' by ada members nowhere
same "names without case" "$(by ada members garden)" "$(by ada members GARDEN)"
same "the beginning of an id" "$(by ada members garden)" "$(by ada members "$(echo "$G" | cut -c1-6)")"
refused "five letters are no id" 1 'there is no group' by ada members "$(echo "$G" | cut -c1-5)"
TWIN=$(by ada group new garden)
refused "a name of two groups lists them" 1 "^  $(echo "$TWIN" | cut -c1-12)  garden" by ada members garden
check "leave" by ada leave "$TWIN"
same "one is left" 1 "$(by ada groups | wc -l)"

# ---- coming in

L=$(by ada invite garden)
like "invite prints a link" "$L" '^http://127\.0\.0\.1:[0-9]+/invite#[a-z2-7]+$'
same "join prints the group's id" "$G" "$(by bob join "$L")"
same "joining twice is joining once" "$G" "$(by bob join "$L")"
same "from another node" "$G" "$(by eve join "$L")"
sees() { by "$1" members garden | grep -q "$2"; }
check "who came is seen at home" within 5 sees ada 'eve#[0-9]*@two'
check "and the others there" within 5 sees eve 'bob#[0-9]*@one'
refused "no link" 1 'invite link' by cy join http://127.0.0.1/invite#nonsense
L1=$(by ada invite garden --uses 1 --expires 1h)
like "invites" "$(by ada invites garden)" 'used 0 of 1 .*expires 20'
same "an invite for one" "$G" "$(by cy join "$L1")"
refused "is used up" 1 'used up|does not stand' by both --as kim --url "$U" join "$L1"
I=$(by ada invites garden --json | grep '"uses":0' | field id)
check "invite revoke" is_id "$(by ada invite revoke "$(echo "$I" | cut -c1-9)")"
like "it is marked" "$(by ada invites garden)" 'revoked$'
refused "and lets nobody in" 1 '.' by both --as kim --url "$U" join "$L"
refused "no such invite" 1 'kith invites' by ada invite revoke aaaaaaaaaaaa
refused "who may not invite" 1 'may' by bob invite garden
refused "uses that are no number" 2 '--uses' by ada invite garden --uses many
refused "a time that is none" 2 '30m, 2h or 7d' by ada invite garden --expires 5

R=$(by ada group new request-only --join request)
same "asking to be let in" "$R" "$(by bob join "$(by ada invite request-only)" 2>"$work/note")"
like "says that it is only asked" "$(cat "$work/note")" 'asked to be let in'
asked() { by ada requests request-only | grep -Eq "$1"; }
check "requests" within 5 asked '^[a-z2-7]{8}  bob#'
by eve join "$(by ada invite request-only)" >/dev/null 2>&1
check "from elsewhere too" within 5 asked eve
check "admit" is_id "$(by ada admit request-only bob)"
in_it() { by "$1" groups | grep -q "$2"; }
check "lets in" within 5 in_it bob request-only
check "refuse" by ada refuse request-only eve
same "leaves none" 0 "$(by ada requests request-only | wc -l)"
refused "nobody of that name has asked" 1 'kith requests' by ada admit request-only zoe
check "questions" by ada group set request-only questions "What do you grow?
Where?"
refused "who gives no answers is shown what is asked" 1 'kith join LINK ANSWER' by eve join "$(by ada invite request-only)"
by eve join "$(by ada invite request-only)" Beans "On the roof" >/dev/null 2>&1
check "whoever may let them in reads the answers" within 5 asked 'eve#.*Beans / On the roof'

# ---- saying

M=$(by ada send garden hello, world)
check "send prints an id" is_id "$M"
like "read" "$(by ada read garden)" "^20..-..-.. ..:..:.. $(echo "$M" | cut -c1-8) ada#[0-9]+  hello, world\$"
heard() { by "$1" read garden | grep -q "$2"; }
check "it is heard elsewhere" within 5 heard eve 'ada#[0-9]*@one  hello, world'
J=$(by ada read garden --json --last 1)
for key in id author uid text clock node seq edited late state; do
	like "read --json has $key" "$J" "\"$key\":"
done
same "lines of a pipe, each a message" 3 "$(printf 'one\n\ntwo\r\nthree' | by ada send garden - | wc -l)"
same "in their order" "one two three" "$(by ada read garden --last 3 --json | field text | tr '\n' ' ' | sed 's/ $//')"
refused "a line that is no text" 2 'line 2 is not UTF-8' sh -c "printf 'a\n\377\n' | KITH_HOME=$work/home-ada $(kith_bin) send garden - >/dev/null"
check "words that begin with a dash" is_id "$(by ada send garden -- --json)"
refused "an empty message" 2 'nothing to say' by ada send garden ''
refused "no such panel" 1 'kith panels' by ada send garden/attic x
same "--last" 2 "$(by ada read garden --last 2 | wc -l)"
same "--before" "one" "$(by ada read garden --last 1 --before "$(by ada read garden --json | sed -n 3p | field id)" --json | field text)"
seq 1 230 | by ada send garden - >/dev/null
same "more than a page, oldest first" "$(seq 1 230)" "$(by ada read garden --last 230 --json | field text)"
A=$(by bob reply "$M" well said)
like "reply" "$(by ada read garden --last 1)" "bob#[0-9]+  \(to $(echo "$M" | cut -c1-8)\) well said"
check "edit" is_id "$(by bob edit "$(echo "$A" | cut -c1-7)" well put)"
like "marks it" "$(by ada read garden --last 1)" 'well put \[edited\]$'
refused "somebody else's" 1 "somebody else's" by ada edit "$A" badly put
check "react" is_id "$(by ada react "$A" 👍)"
like "shows it" "$(by bob read garden --last 1)" '\(👍 1\)'
check "and takes it back" is_id "$(by ada react "$A" 👍 --off)"
unlike "shows it no more" "$(by bob read garden --last 1)" '👍'
check "pin" is_id "$(by ada pin "$A")"
like "marks it" "$(by bob read garden --last 1)" '\[pinned\]'
check "unpin" is_id "$(by ada unpin "$A")"
refused "pinning without the right" 1 'may' by bob pin "$A"
check "recall" is_id "$(by bob recall "$A")"
like "leaves a mark and no words" "$(by ada read garden --last 1)" 'bob#[0-9]+  \(to [a-z2-7]*\) \[recalled\]$|bob#[0-9]+  \[recalled\]$'
B=$(by bob send garden rude words)
check "remove" is_id "$(by ada remove "$B" --reason "be kind")"
like "leaves a mark and no words" "$(by bob read garden --last 1)" 'bob#[0-9]+  \[removed\]$'
refused "no such message" 1 'kith read' by ada react aaaaaaaaaa x
refused "not an id" 2 'not the id of a message' by ada react hello x
by ada send garden "$(printf 'one\ntwo \033[31mred\033[0m \342\200\256evil')" >/dev/null
N=$(by ada read garden --last 1)
same "lines of one message are indented" 2 "$(printf '%s\n' "$N" | wc -l)"
like "they are" "$N" '^    two '
unlike "no escape sequences come through" "$N" "$(printf '\033')"
unlike "nor marks of direction" "$N" "$(printf '\342\200\256')"
like "JSON escapes them" "$(by ada read garden --last 1 --json)" '\\u202e'

# ---- between people

check "dm to somebody here" is_id "$(by ada dm bob psst)"
like "the conversation is called by the other" "$(by ada groups)" 'bob#[0-9]+ +direct'
told() { by "$1" read "$2" | grep -q "$3"; }
check "it is heard" within 5 told bob ada psst
check "dm to somebody elsewhere" is_id "$(by ada dm eve@two over there)"
check "it is heard there" within 5 told eve ada 'over there'
refused "a person nobody knows" 1 'name@node' by ada dm nobody hello
refused "a node nobody knows" 1 'nowhere' by ada dm eve@nowhere hello
check "dm to two" is_id "$(by ada dm bob,eve@two three of us)"

# ---- panels

P=$(by ada panel new garden seeds)
check "panel new prints an id" is_id "$P"
same "panels" 2 "$(by ada panels garden | wc -l)"
check "send to it by name" is_id "$(by ada send garden/seeds beans)"
check "and by the beginning of its id" is_id "$(by ada send "garden/$(echo "$P" | cut -c1-8)" peas)"
check "panel set" is_id "$(by ada panel set garden/seeds topic "what to sow")"
like "panels shows it" "$(by ada panels garden)" 'seeds +chat +what to sow'
F=$(by ada panel new garden shed --kind folder)
check "a folder" is_id "$F"
check "a panel in it" is_id "$(by ada panel set garden/seeds parent shed)"
refused "no folder of that name" 1 'there is no panel' by ada panel set garden/seeds parent attic
S=$(by ada panel new garden secret --private)
check "a private panel" is_id "$S"
unlike "is not seen" "$(by bob panels garden)" secret
check "panel allow, a person" is_id "$(by ada panel allow garden/secret bob panel.view)"
like "then it is" "$(by bob panels garden)" 'secret +chat +private'
check "panel inherit" is_id "$(by ada panel inherit garden/secret bob panel.view)"
check "panel deny, a role" is_id "$(by ada panel deny garden/seeds Member message.send)"
refused "denied is denied" 1 'may|roles' by bob send garden/seeds no
check "an announcement panel" is_id "$(by ada panel new garden news --kind announcement)"
refused "no such kind" 1 'chat, announcement, folder or web' by ada panel new garden x --kind forum
check "panel delete" is_id "$(by ada panel delete garden/secret)"
refused "a panel must be named" 2 'GROUP/PANEL' by ada panel delete garden

# ---- roles and people

W=$(by ada role new garden Waterer --level 20 --perm member.mute message.pin --may member.mute,message.pin,message.remove)
check "role new prints an id" is_id "$W"
like "roles" "$(by ada roles garden)" '^[a-z2-7]{8}  Waterer, level 20, held by 0$'
refused "a role needs a level" 2 '--level N --perm P' by ada role new garden x --perm message.pin
refused "a level out of bounds" 2 '1 to 99' by ada role new garden x --perm message.pin --level 100
check "role grant" is_id "$(by ada role grant garden Waterer bob)"
like "members shows it" "$(by ada members garden)" 'bob#[0-9]+ +Waterer'
check "the role lets its holder act" is_id "$(by bob mute garden cy --for 10m --reason "too loud" --via Waterer)"
refused "whoever is muted does not speak" 1 'muted' by cy send garden hm
check "unmute" is_id "$(by bob unmute garden cy)"
check "then they do" is_id "$(by cy send garden ah)"
check "role allow" is_id "$(by ada role allow garden Waterer message.remove)"
check "role deny" is_id "$(by ada role deny garden Waterer message.remove message.pin)"
refused "not upwards" 1 '.' by bob mute garden ada
check "kick" is_id "$(by ada kick garden cy --reason "for now")"
refused "then one is in no such group" 1 'there is no group' by cy send garden x
L2=$(by ada invite garden --role Waterer)
check "back by an invite" by cy join "$L2"
waters() { by ada members garden | grep -q 'cy#[0-9]* *Waterer'; }
check "that gives a role" within 5 waters
check "role revoke" is_id "$(by ada role revoke garden Waterer cy)"
CY=$(by ada members garden --json | grep '"handle":"cy#' | field uid)
check "ban" is_id "$(by ada ban garden cy --for 7d --reason "weeds")"
refused "the banned do not come back" 1 'banned' by cy join "$L2"
like "audit shows it" "$(by ada audit garden)" 'ada#[0-9]+  ban cy#[0-9]+: weeds'
check "audit --json shows whom" sh -c "KITH_HOME=$work/home-ada $(kith_bin) audit garden --json | grep -q '\"uids\":\\[\"$CY\"'"
same "audit --last" 3 "$(by ada audit garden --last 3 | wc -l)"
check "unban" is_id "$(by ada unban garden cy)"
check "then they do" by cy join "$L2"
check "somebody elsewhere by name@node" is_id "$(by ada mute garden eve@two)"
check "or by name alone, in a group" is_id "$(by ada unmute garden eve)"
refused "a time that is none" 2 '--for' by ada ban garden eve --for ever
refused "no such person" 1 'there is no person' by ada ban garden zoe
refused "no such role" 1 'kith roles' by ada role grant garden Wizard bob
refused "no such role to act through" 1 'there is no role' by ada mute garden bob --via Wizard
check "owner add" is_id "$(by ada owner add garden bob)"
check "owner resign" is_id "$(by bob owner resign garden)"
check "node ban, by name" is_id "$(by ada node ban garden two --reason "tests")"
out_of_it() { ! by ada members garden | grep -q '@two'; }
check "its people are out" within 5 out_of_it
check "node unban, by the beginning of its id" is_id "$(by ada node unban garden "$(node_id two | cut -c1-8)")"
check "and in again" within 5 sees ada '@two'
refused "no such node" 1 'there is no node' by ada node ban garden nowhere
refused "who has no right to" 1 '.' by cy node ban garden one

# ---- watching

by_exec eve watch garden >"$work/watched" 2>"$work/watch.err" &
watcher=$!
pids="$watcher $pids"
sleep 1
W1=$(by ada send garden "did you see that")
saw() { grep -q "$1" "$work/watched"; }
check "watch prints what comes" within 5 saw 'garden/general ada#[0-9]*@one  did you see that$'
by ada edit "$W1" "did you hear that" >/dev/null
check "and what changes" within 5 saw 'did you hear that \[edited\]'
node_kill two
by ada send garden "while you were away" >/dev/null
node two --peer "$(peer one)"
check "it connects again and catches up" within 20 saw 'while you were away'
by ada send garden "after that" >/dev/null
check "and goes on" within 10 saw 'after that'
same "nothing twice" 1 "$(grep -c 'while you were away' "$work/watched")"
kill "$watcher"
refused "watching what is not there" 1 'there is no group' by eve watch attic

# ---- a node that goes and comes while lines are sent

seq 1 400 >"$work/lines"
by_exec ada send garden - <"$work/lines" >"$work/sent" 2>"$work/sent.err" &
sender=$!
half() { [ "$(wc -l <"$work/sent")" -ge 100 ]; }
within 20 half
node_kill one
sleep 0.3
node one
wait "$sender"
same "send - outlives the node's death" 0 $?
same "every line has an id" 400 "$(sort -u "$work/sent" | wc -l)"
same "none is lost and none is doubled" "$(cat "$work/lines")" "$(by ada read garden --last 400 --json | field text)"

# ---- TLS

S=$(url one | sed 's/^http/https/')
refused "a key that nobody vouches for" 1 '--insecure' by tess --url "$S" guest tess
like "is taken on trust once" "$(by tess --insecure --url "$S" guest tess 2>"$work/note")" '^tess#'
like "and told" "$(cat "$work/note")" 'known by its key'
check "then it is known" by tess groups
sed -i 's/ .*/ aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/' "$work/home-tess/nodes"
refused "another key is refused" 1 'not the one that you know it by' by tess groups
refused "with --insecure too" 1 'not the one that you know it by' by tess --insecure groups

# ---- the manual page

page=$KITH_SRCDIR/src/cli/kith.1
missing=
for word in $(by ada --help | sed -n 's/^  \([a-z][a-z]*\( [a-z][a-z]*\)\{0,1\}\).*/\1/p' | tr ' ' '\n' | sort -u); do
	grep -q "$word" "$page" || missing="$missing $word"
done
for option in $(for k in $(by ada --help | sed -n 's/^  \([a-z][a-z]*\).*/\1/p' | sort -u); do by ada help "$k"; done |
    sed -n 's/^  --\([a-z]*\).*/\1/p' | sort -u); do
	grep -q -- "\\\\-\\\\-$option" "$page" || missing="$missing --$option"
done
same "knows every command and option" "" "$missing"

plan
