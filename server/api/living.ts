/** What the handlers need of the parts that live: the rooms, the connections, the counting. relay.ts passes them in. */
import type { ConversationId, UserId } from '#shared/ids.ts';
import type { OverviewRow } from '#shared/protocol/overview.ts';
import type * as Y from 'yjs';

export interface Living {
  /** Writes into the conversation's root document as the relay. `renames`: the table has yet to be told the title that is written. */
  mirror(conversation: ConversationId, write: (root: Y.Doc) => void, renames?: boolean): Promise<void>;
  /** The tables say something else about who is in it, or as what. At once; resolves when what was taken before is on disk. */
  membershipChanged(conversation: ConversationId): Promise<void>;
  /** Is in it from now on, perhaps again. */
  added(person: UserId, conversation: ConversationId): void;
  /** Is no longer in it: their channels close, their devices forget it. */
  removed(person: UserId, conversation: ConversationId): void;
  /**
   * Ends a conversation for everybody. Nobody writes into it while `erase` takes it from the disk, and answers who was in it, or null when it may not;
   * then it goes on as before. Whether it has ended.
   */
  end(conversation: ConversationId, erase: () => Promise<UserId[] | null>): Promise<boolean>;
  /** The row of this conversation changed. */
  changed(conversation: ConversationId): void;
  list(person: UserId): Promise<OverviewRow[]>;
  row(person: UserId, conversation: ConversationId): Promise<OverviewRow | null>;
}
