package io.ppiofs.overlay.storage;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.overlay.identity.PeerId;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Whom an operator lends how much, and why: accounts (one per tenant, each told as a {@link Grant}), the allow-list, open
 * invitations, and the caps of the open mode. Durable when a method returns. Thread-safe.
 */
public final class GrantBook implements AutoCloseable {
    /** Most accounts; beyond that newcomers are refused. */
    public static final int MAX_ACCOUNTS = 65_536;

    /** How long grants run; a tenant that asks again in their second half is given a new one. */
    public static final Duration LIFETIME = Duration.ofDays(366);

    private static final int MAX_INVITATIONS = 4_096;
    private static final String ACCOUNT = "a/";
    private static final String ALLOWED = "n/";
    private static final String INVITED = "i/";
    private static final String OPEN = "o";

    /**
     * What a tenant has.
     *
     * @param origin for reciprocity the peer that gives in return, for the open mode the network prefix; else empty
     * @param issuedMillis by the operator's clock, since 1970
     * @param revoked nothing more is taken; the sequence stays, so that older grants do not come back
     */
    public record Account(
            PeerId tenant,
            long sequence,
            long bytes,
            Grant.Kind kind,
            long issuedMillis,
            String origin,
            boolean revoked) {
        /** Whether blocks are taken under it. */
        public boolean isLive(long nowMillis) {
            return !revoked && nowMillis - issuedMillis < LIFETIME.toMillis();
        }

        private CborMap encode() {
            return CborMap.builder()
                    .put(1, tenant.toBytes())
                    .put(2, sequence)
                    .put(3, bytes)
                    .put(4, kind.ordinal())
                    .put(5, issuedMillis)
                    .put(6, new CborText(origin))
                    .put(7, revoked ? 1 : 0)
                    .build();
        }

        private static Account decode(CborMap fields) throws MalformedException {
            return new Account(
                    RecordFields.peer(fields, 1),
                    fields.uint(2, Long.MAX_VALUE),
                    fields.uint(3, Long.MAX_VALUE),
                    Grant.Kind.values()[(int) fields.uint(4, Grant.Kind.values().length - 1)],
                    fields.uint(5, Long.MAX_VALUE),
                    fields.text(6, 200),
                    fields.uint(7, 1) == 1);
        }
    }

    /**
     * An invitation that was made.
     *
     * @param hash of the token
     * @param usedBy the tenant that showed it, null if it is still open
     */
    public record Invited(String hash, long bytes, @Nullable PeerId usedBy) {}

    /**
     * What strangers may have.
     *
     * @param bytes in all; 0: the mode is off
     * @param perPrefix most for one network prefix (IPv4 /24, IPv6 /48)
     */
    public record OpenMode(long bytes, long perPrefix) {
        /** Nobody unasked. */
        public static final OpenMode OFF = new OpenMode(0, 0);
    }

    /**
     * Who asks for space.
     *
     * @param asker the peer at the other end
     * @param prefix its network prefix; empty on loopback, where no cap per prefix holds
     * @param stored bytes that the asker stores for this operator
     */
    public record Applicant(PeerId asker, String prefix, long stored) {}

    private final BookFile book;
    private final Map<PeerId, Account> accounts = new TreeMap<>();
    private final Map<PeerId, Long> allowed = new TreeMap<>();
    private final Map<String, Invited> invitations = new TreeMap<>();
    private OpenMode open = OpenMode.OFF;

    GrantBook(BookFile book) {
        this.book = book;
        each(ACCOUNT, (key, fields) -> {
            Account account = Account.decode(fields);
            accounts.put(account.tenant(), account);
        });
        each(ALLOWED, (key, fields) -> allowed.put(RecordFields.peer(fields, 1), fields.uint(2, Long.MAX_VALUE)));
        each(INVITED, (key, fields) -> {
            byte[] usedBy = fields.bytes(2, 0, PeerId.MAX_BYTES);
            PeerId tenant = usedBy.length == 0 ? null : RecordFields.peer(fields, 2);
            invitations.put(key, new Invited(key, fields.uint(1, Long.MAX_VALUE), tenant));
        });
        each(
                OPEN,
                (key, fields) -> open = new OpenMode(fields.uint(1, Long.MAX_VALUE), fields.uint(2, Long.MAX_VALUE)));
    }

    /** Opens the book of a directory of hosted blocks without opening the blocks; nobody else may have it open. */
    public static GrantBook open(Path directory) {
        return new GrantBook(BookFile.open(bookFile(directory)));
    }

    static Path bookFile(Path directory) {
        return directory.resolve("book");
    }

    /** Reads one entry. */
    @FunctionalInterface
    interface Entry {
        void read(String key, CborMap fields) throws MalformedException;
    }

    private void each(String prefix, Entry entry) {
        book.forEach(prefix, decoded(prefix, entry));
    }

    static BiConsumer<String, byte[]> decoded(String prefix, Entry entry) {
        return (key, value) -> {
            try {
                entry.read(key.substring(prefix.length()), CborDecoder.decodeMap(value));
            } catch (MalformedException e) {
                throw new PpiofsException(
                        ErrorKind.CORRUPT, "read storage book", key, String.valueOf(e.getMessage()), e);
            }
        };
    }

    private void keep(String key, CborMap fields) {
        book.put(key, CborEncoder.encode(fields));
    }

    // ------------------------------------------------------------------------------------ what the operator says

    /** Puts a tenant on the allow-list; it has these bytes from now on. */
    public synchronized Account allow(PeerId tenant, long bytes, long nowMillis) {
        keep(
                ALLOWED + tenant,
                CborMap.builder().put(1, tenant.toBytes()).put(2, bytes).build());
        allowed.put(tenant, bytes);
        Account account = issue(tenant, bytes, Grant.Kind.ALLOW_LIST, "", nowMillis);
        book.sync();
        return account;
    }

    /** Takes a tenant off the allow-list and ends its account. @return false if there was neither */
    public synchronized boolean revoke(PeerId tenant) {
        boolean known = allowed.remove(tenant) != null;
        book.put(ALLOWED + tenant, null);
        Account account = accounts.get(tenant);
        if (account != null && !account.revoked()) {
            known = true;
            set(new Account(
                    tenant,
                    account.sequence() + 1,
                    account.bytes(),
                    account.kind(),
                    account.issuedMillis(),
                    account.origin(),
                    true));
        }
        book.sync();
        return known;
    }

    /** Makes an invitation. @return its token */
    public synchronized byte[] invite(long bytes, SecureRandom random) {
        if (invitations.size() >= MAX_INVITATIONS) {
            throw new PpiofsException(
                    ErrorKind.RANGE,
                    "invite",
                    MAX_INVITATIONS + " invitations",
                    "there are too many; revoke some first");
        }
        byte[] token = new byte[GrantInvitation.TOKEN];
        random.nextBytes(token);
        setInvited(new Invited(hash(token), bytes, null));
        book.sync();
        return token;
    }

    /** Withdraws an invitation that nobody has used. @return false if there is none of this hash */
    public synchronized boolean withdraw(String hash) {
        Invited invited = invitations.get(hash);
        if (invited == null || invited.usedBy() != null) {
            return false;
        }
        invitations.remove(hash);
        book.put(INVITED + hash, null);
        book.sync();
        return true;
    }

    public synchronized void setOpen(OpenMode mode) {
        keep(
                OPEN,
                CborMap.builder().put(1, mode.bytes()).put(2, mode.perPrefix()).build());
        open = mode;
        book.sync();
    }

    public synchronized OpenMode open() {
        return open;
    }

    public synchronized List<Account> accounts() {
        return new ArrayList<>(accounts.values());
    }

    public synchronized Map<PeerId, Long> allowed() {
        return new TreeMap<>(allowed);
    }

    public synchronized List<Invited> invitations() {
        return new ArrayList<>(invitations.values());
    }

    /** The tenant's account if blocks are taken under it. */
    public synchronized @Nullable Account live(PeerId tenant, long nowMillis) {
        Account account = accounts.get(tenant);
        return account == null || !account.isLive(nowMillis) ? null : account;
    }

    // -------------------------------------------------------------------------------------- what tenants ask for

    /**
     * The account of a tenant that asks: the one it has if that is enough, else what an invitation, the allow-list,
     * reciprocity and the open mode allow, the first that does; null if nothing does.
     *
     * @param bytes wanted in all
     * @param token of an invitation, null without
     */
    public synchronized @Nullable Account request(
            PeerId tenant, long bytes, byte @Nullable [] token, Applicant applicant, long nowMillis) {
        Account current = live(tenant, nowMillis);
        Account invited = token == null ? null : useInvitation(tenant, token, current, nowMillis);
        if (invited != null) {
            return invited;
        }
        boolean fresh = current != null && nowMillis - current.issuedMillis() < LIFETIME.toMillis() / 2;
        if (current != null && fresh && current.bytes() >= bytes) {
            return current;
        }
        boolean revoked = accounts.containsKey(tenant) && accounts.get(tenant).revoked();
        Account found = revoked ? null : byPolicy(tenant, bytes, applicant, current, nowMillis);
        book.sync();
        return found == null ? current : found;
    }

    /** A live account that gets old is issued again as it is. */
    synchronized void prolong(PeerId tenant, long nowMillis) {
        Account current = live(tenant, nowMillis);
        if (current != null && nowMillis - current.issuedMillis() >= LIFETIME.toMillis() / 2) {
            var unused = issue(tenant, current.bytes(), current.kind(), current.origin(), nowMillis);
            book.sync();
        }
    }

    private @Nullable Account useInvitation(PeerId tenant, byte[] token, @Nullable Account current, long nowMillis) {
        Invited invited = invitations.get(hash(token));
        if (invited == null || (invited.usedBy() != null && !invited.usedBy().equals(tenant))) {
            return null;
        }
        if (invited.usedBy() != null) {
            return current; // asked again because the answer was lost
        }
        long before = current == null ? 0 : current.bytes();
        Account account = issue(tenant, saturatedSum(before, invited.bytes()), Grant.Kind.INVITATION, "", nowMillis);
        setInvited(new Invited(invited.hash(), invited.bytes(), tenant));
        book.sync();
        return account;
    }

    private static long saturatedSum(long a, long b) {
        return a > Long.MAX_VALUE - b ? Long.MAX_VALUE : a + b;
    }

    private @Nullable Account byPolicy(
            PeerId tenant, long bytes, Applicant applicant, @Nullable Account current, long nowMillis) {
        long most = current == null ? 0 : current.bytes();
        Long onList = allowed.get(tenant);
        if (onList != null) {
            return issue(tenant, onList, Grant.Kind.ALLOW_LIST, "", nowMillis);
        }
        if (current != null && current.kind() == Grant.Kind.INVITATION) {
            return issue(tenant, current.bytes(), Grant.Kind.INVITATION, "", nowMillis);
        }
        String giver = applicant.asker().toString();
        long returned = Math.min(bytes, applicant.stored() - given(Grant.Kind.RECIPROCITY, giver, tenant));
        if (returned > 0 && returned >= most) {
            return issue(tenant, returned, Grant.Kind.RECIPROCITY, giver, nowMillis);
        }
        long free = open.bytes() - given(Grant.Kind.OPEN, null, tenant);
        if (!applicant.prefix().isEmpty()) {
            free = Math.min(free, open.perPrefix() - given(Grant.Kind.OPEN, applicant.prefix(), tenant));
        }
        long strange = Math.min(bytes, free);
        return strange > 0 && strange >= most
                ? issue(tenant, strange, Grant.Kind.OPEN, applicant.prefix(), nowMillis)
                : null;
    }

    /** Bytes of the accounts of this kind and origin (any, if null), without those of one tenant. */
    private long given(Grant.Kind kind, @Nullable String origin, PeerId without) {
        return accounts.values().stream()
                .filter(a -> a.kind() == kind && !a.revoked() && !a.tenant().equals(without))
                .filter(a -> origin == null || a.origin().equals(origin))
                .mapToLong(Account::bytes)
                .sum();
    }

    /** Takes over a grant of this operator that the book has lost; one that it knows, or that was revoked, changes nothing. */
    synchronized void adopt(Grant grant, long nowMillis) {
        if (!accounts.containsKey(grant.tenant()) && accounts.size() < MAX_ACCOUNTS) {
            set(new Account(grant.tenant(), grant.sequence(), grant.bytes(), grant.kind(), nowMillis, "", false));
            book.sync();
        }
    }

    private Account issue(PeerId tenant, long bytes, Grant.Kind kind, String origin, long nowMillis) {
        Account before = accounts.get(tenant);
        if (before == null && accounts.size() >= MAX_ACCOUNTS) {
            throw new PpiofsException(
                    ErrorKind.BUSY, "grant", tenant.toString(), "this operator has too many tenants already");
        }
        Account account =
                new Account(tenant, before == null ? 1 : before.sequence() + 1, bytes, kind, nowMillis, origin, false);
        set(account);
        return account;
    }

    private void set(Account account) {
        keep(ACCOUNT + account.tenant(), account.encode());
        accounts.put(account.tenant(), account);
    }

    private void setInvited(Invited invited) {
        PeerId usedBy = invited.usedBy();
        keep(
                INVITED + invited.hash(),
                CborMap.builder()
                        .put(1, invited.bytes())
                        .put(2, usedBy == null ? new byte[0] : usedBy.toBytes())
                        .build());
        invitations.put(invited.hash(), invited);
    }

    private static String hash(byte[] token) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(token), 0, 12);
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every Java platform has SHA-256", e);
        }
    }

    @Override
    public void close() {
        book.close();
    }
}
