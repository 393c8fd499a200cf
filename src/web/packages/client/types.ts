// What the API says (src/client/method.c), as far as the client asks for it.

export type Id = string
export type Order = string

export type MessageState = 'visible' | 'waiting' | 'hidden' | 'recalled' | 'removed'

export interface Message {
  readonly id: Id
  readonly kind: string
  readonly author: string
  readonly uid: Id
  readonly text: string
  readonly clock: number
  readonly order: Order
  readonly node: Id
  readonly seq: number
  readonly edited: boolean
  readonly late: boolean
  readonly state: MessageState
  readonly reply: Id | null
  readonly reactions: readonly (readonly [emoji: string, count: number, mine: boolean])[]
  readonly pinned: boolean
}

export type PanelKind = 'chat' | 'announcement' | 'folder' | 'web'
export type Level = 'all' | 'mentions' | 'none'
export interface PanelStub {
  readonly id: Id
  readonly name: string
  readonly kind: PanelKind
  readonly private: boolean
  // In group.list alone: up to where it is read, and how much is not (counted up to 100).
  readonly read?: Order
  readonly unread?: number
  readonly mentions?: number
}
export interface Where {
  readonly id: Id
  readonly nodes: number
  readonly of: number
}
export interface GroupNode {
  readonly node: Id
  readonly name: string
  readonly people: number
  readonly self: boolean
  readonly linked: boolean
  readonly rtt: number
  readonly banned: boolean
}
export interface Panel extends PanelStub {
  readonly topic: string
  readonly parent: Id | null
  readonly order: string
  // Read-only while it is not.
  readonly open: boolean
  // Seconds between two messages of one person; 0: no limit.
  readonly slow: number
  readonly notify: Level
  readonly url: string
  readonly may_send: boolean
}
export type Join = 'open' | 'invite' | 'request'
export interface Group {
  readonly id: Id
  readonly name: string
  readonly kind: 'group' | 'direct'
  readonly description: string
  readonly avatar: Id | null
  readonly banner: Id | null
  // As it says it: a language tag, or nothing.
  readonly language: string
  readonly join: Join
  readonly members: number
  readonly nodes: number
  readonly panels: readonly PanelStub[]
  readonly owner: boolean
  // The others of a conversation; of a group nobody.
  readonly people: readonly Id[]
}
export interface Member {
  readonly uid: Id
  readonly handle: string
  readonly nick: string
  readonly avatar: Id | null
  readonly status: string
  readonly node: Id
  readonly node_name: string
  readonly guest: boolean
  readonly owner: boolean
  readonly roles: readonly string[]
  readonly banned: boolean
  readonly muted: boolean
}
export interface Found {
  readonly uid: Id
  readonly handle: string
  readonly node: Id
  readonly node_name: string
}
export interface Person extends Found {
  readonly nick: string
  readonly avatar: Id | null
  readonly status: string
  readonly pronouns: string
  readonly bio: string
  readonly guest: boolean
}
export type FriendState = 'friend' | 'incoming' | 'outgoing' | 'none'
// What one keeps about somebody, friend or not.
export interface Kept {
  readonly friend: FriendState
  readonly since: number
  readonly remark: string
  readonly note: string
  readonly favourite: boolean
  readonly blocked: boolean
}
export type Friend = Person & Kept
export interface Role {
  readonly id: Id
  readonly name: string
  readonly level: number
  readonly perms: readonly string[]
  readonly may: readonly string[]
  readonly holders: readonly Id[]
}
// A group as it looks to who holds this role and no other.
export interface AsRole {
  readonly group: Id
  readonly role: Role
  readonly perms: ReadonlySet<string>
  readonly panels: ReadonlyMap<Id, ReadonlySet<string>>
}
export interface Invite {
  readonly id: Id
  readonly maker: string
  readonly uid: Id
  readonly made: number
  readonly expires: number
  readonly uses: number
  readonly used: number
  readonly role: Id | null
  readonly revoked: boolean
}
export interface Preview {
  readonly group: Id
  readonly name: string
  readonly description: string
  readonly members: number
  readonly nodes: number
  readonly maker: string
  readonly guests: boolean
  readonly join: Join
  readonly questions: readonly string[]
  readonly state: 'ok' | 'expired' | 'revoked' | 'used' | 'member' | 'unknown'
}
export interface JoinRequest {
  readonly uid: Id
  readonly handle: string
  readonly node: Id
  readonly asked: number
  readonly answers: readonly string[]
}
export interface Act {
  readonly id: Id
  readonly kind: string
  readonly author: string
  readonly uid: Id
  readonly clock: number
  readonly order: Order
  readonly state: 'effective' | 'void' | 'invalid'
  readonly text: string
  readonly key: string
  readonly role: Id | null
  readonly panel: Id | null
  readonly node: Id | null
  readonly perms: readonly string[]
  readonly until: number
  readonly uids: readonly Id[]
  readonly users: readonly string[]
}
export interface SessionInfo {
  readonly id: Id
  readonly client: string
  readonly made: number
  readonly seen: number
  readonly expires: number
  readonly current: boolean
  // What a token made for a program is good for; null: a session of one's own.
  readonly scopes: readonly string[] | null
}
// A file that was brought.
export interface Brought {
  readonly id: Id
  readonly type: string
  readonly size: number
  readonly width: number
  readonly height: number
}
// What a message rests on.
export type Proven = 'good' | 'bad' | 'missing' | 'none' | 'long'
export interface Proof {
  readonly record: { readonly id: Id; readonly seq: number; readonly clock: number }
  readonly body: Proven
  readonly author: { readonly uid: Id; readonly handle: string; readonly key: string; readonly state: Proven }
  readonly node: { readonly id: Id; readonly name: string }
  readonly chain: { readonly n: number; readonly seq: number; readonly tip: Id; readonly state: Proven }
  readonly root: { readonly id: Id; readonly n: number; readonly state: Proven }
}
export interface NodeInfo {
  readonly node: Id
  readonly name: string
  readonly version: string
  readonly registration: 'open' | 'invite' | 'closed'
  readonly mail: boolean
  readonly pictures: boolean
  readonly now: number
}
export interface Me {
  readonly uid: Id
  readonly handle: string
  readonly guest: boolean
  readonly node: Id
  readonly nick: string
  readonly avatar: Id | null
  // For mail, confirmed; empty: none.
  readonly email: string
  readonly status: string
  readonly pronouns: string
  readonly bio: string
}
export type PageOutcome = 'ok' | 'forbids' | 'unreachable' | 'private' | 'bad'
export type Presence = 'online' | 'idle' | 'busy' | 'offline'

interface InGroup { group: Id }
interface OnMember extends InGroup { user: Id; via?: Id }
interface OnPerson { user: Id }
interface SignedIn { uid: Id; handle: string; token?: string; csrf?: string }
type Nothing = Record<string, never>
interface Made { id: Id }

// name -> [params, result]
export interface Methods {
  'account.claim': [{ name?: string; password: string }, { uid: Id; handle: string; recovery: string }]
  'account.email': [{ email: string; password: string; lang?: string }, Nothing]
  'account.forgot': [{ email: string; lang?: string }, Nothing]
  'account.guest': [{ name: string; client?: string }, SignedIn]
  'account.login': [{ name: string; password: string; client?: string }, SignedIn]
  'account.logout': [Nothing, Nothing]
  'account.me': [Nothing, Me]
  'account.passwd': [{ old: string; password: string }, Nothing]
  'account.profile': [{ nick?: string; avatar?: string; status?: string; pronouns?: string; bio?: string }, Nothing]
  'account.recover': [{ name: string; recovery: string; password: string; client?: string }, SignedIn]
  'account.register': [{ name: string; password: string; invite?: string; client?: string }, SignedIn & { recovery: string }]
  'account.reset': [{ email: string; code: string; password: string; client?: string }, SignedIn]
  'account.verify': [{ code: string }, Nothing]
  'audit.list': [InGroup & { before?: Order; limit?: number }, { acts: Act[] }]
  'dm.open': [{ users: Id[] }, { group: Id; panel: Id }]
  'friend.accept': [OnPerson, { state: FriendState }]
  'friend.list': [Nothing, { friends: Friend[] }]
  'friend.remove': [OnPerson, { state: FriendState }]
  'friend.request': [OnPerson, { state: FriendState }]
  'friend.set': [OnPerson & { remark?: string; note?: string; favourite?: boolean; blocked?: boolean }, { state: FriendState }]
  'group.join': [{ link: string; answers?: readonly string[] }, { group: Id; name: string; panel: Id | null; state: 'member' | 'requested' }]
  'group.leave': [InGroup, Nothing]
  'group.list': [Nothing, { groups: Group[] }]
  'group.new': [{ name: string; join?: Join; panels?: string[]; txn?: string }, { id: Id; panel: Id }]
  'group.nodes': [InGroup, { nodes: GroupNode[] }]
  'group.perms': [InGroup & { panel?: Id; role?: Id }, { perms: string[] }]
  'group.set': [InGroup & { key: string; value: string }, Made]
  'invite.list': [InGroup, { invites: Invite[] }]
  'invite.new': [InGroup & { expires?: number; guests?: boolean; uses?: number; panel?: Id; role?: Id }, { id: Id | null; link: string }]
  'invite.preview': [{ link: string }, Preview]
  'invite.revoke': [InGroup & { id: Id }, Made]
  'member.ban': [OnMember & { for?: number; reason?: string }, Made]
  'member.banned': [InGroup, { banned: { uid: Id; handle: string }[] }]
  'member.kick': [OnMember & { reason?: string }, Made]
  'member.list': [InGroup & { after?: Id; limit?: number }, { members: Member[]; total: number }]
  'member.mute': [OnMember & { for?: number; reason?: string }, Made]
  'member.unban': [OnMember, Made]
  'member.unmute': [OnMember, Made]
  'message.edit': [InGroup & { id: Id; text: string; txn?: string }, Made]
  'message.list': [InGroup & { panel: Id; before?: Order; limit?: number }, { messages: Message[]; before: Order | null; more: boolean }]
  'message.pin': [InGroup & { id: Id; on?: boolean }, Made]
  'message.proof': [InGroup & { id: Id }, Proof]
  'message.react': [InGroup & { id: Id; emoji: string; on?: boolean }, Made]
  'message.recall': [InGroup & { id: Id }, Made]
  'message.remove': [InGroup & { id: Id; reason?: string }, Made]
  'message.send': [InGroup & { panel: Id; text: string; reply?: Id; txn?: string }, { id: Id; clock: number }]
  'message.where': [InGroup & { ids: Id[] }, { where: Where[] }]
  'node.ban': [InGroup & { node: Id; reason?: string }, Made]
  'node.info': [Nothing, NodeInfo]
  'node.unban': [InGroup & { node: Id }, Made]
  'page.check': [{ url: string; origin: string }, { outcome: PageOutcome; status: number }]
  'panel.delete': [InGroup & { panel: Id; children?: 'move' | 'delete' }, Made]
  'panel.list': [InGroup, { panels: Panel[] }]
  'panel.new': [InGroup & { name: string; kind?: PanelKind; parent?: Id; private?: boolean }, Made]
  'panel.override': [InGroup & { panel: Id; perm: string; effect: 'allow' | 'deny' | 'inherit'; role?: Id; user?: Id }, Made]
  'panel.set': [InGroup & { panel: Id; key: string; value: string }, Made]
  'pref.list': [Nothing, { prefs: Record<string, string> }]
  'pref.set': [{ key: string; value: string }, Nothing]
  'presence.list': [InGroup, { people: { uid: Id; state: Presence }[] }]
  'presence.set': [{ state: Presence }, Nothing]
  'read.mark': [InGroup & { panel: Id; order: Order; back?: boolean }, Nothing]
  'request.admit': [InGroup & { user: Id }, Made]
  'request.list': [InGroup, { questions: string[]; requests: JoinRequest[] }]
  'request.refuse': [InGroup & { user: Id }, Nothing]
  'role.delete': [InGroup & { role: Id }, Made]
  'role.grant': [InGroup & { role: Id; user: Id }, Made]
  'role.list': [InGroup, { roles: Role[] }]
  'role.new': [InGroup & { name: string; level: number; perms: string[]; may?: string[] }, Made]
  'role.revoke': [InGroup & { role: Id; user: Id }, Made]
  'role.set': [InGroup & { role: Id; perms: string[]; allow: boolean }, Made]
  'session.list': [Nothing, { sessions: SessionInfo[] }]
  'session.revoke': [{ id?: Id }, Nothing]
  'session.ticket': [Nothing, { ticket: string }]
  'sync': [{ cursor?: string }, SyncAnswer]
  'typing': [InGroup & { panel: Id }, Nothing]
  'user.find': [{ text: string }, { users: Found[] }]
  'user.get': [OnPerson & { group?: Id }, Friend & { groups: Id[] }]
  'user.list': [{ users: Id[]; group?: Id }, { users: Person[] }]
}
export interface SyncAnswer {
  readonly cursor: string
  readonly reset?: boolean
  readonly panels?: readonly { group: Id; panel: Id; new: number; changed: readonly Id[] }[]
  readonly groups?: readonly Id[]
}
export type Method = keyof Methods
export type Params<M extends Method> = Methods[M][0]
export type Result<M extends Method> = Methods[M][1]

// What a node says without being asked.
export type Push =
  | { method: 'message' | 'changed'; params: { group: Id; panel: Id; message: Message } }
  | { method: 'group'; params: { group: Id } }
  | { method: 'typing'; params: { group: Id; panel: Id; uid: Id } }
  | { method: 'read'; params: { group: Id; panel: Id; order: Order } }
  | { method: 'pref'; params: { key: string; value: string } }
  | { method: 'presence'; params: { group: Id; uid: Id; state: Presence } }
  | { method: 'user'; params: { group: Id; uid: Id } }
  | { method: 'friend'; params: { uid: Id; state: FriendState } }
