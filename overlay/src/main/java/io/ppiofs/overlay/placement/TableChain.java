package io.ppiofs.overlay.placement;

import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.network.NetworkId;
import io.ppiofs.overlay.identity.PeerId;
import java.util.ArrayList;
import java.util.List;

/**
 * A group's slot table with all that proves it: a table that the tenant signed, and the tables with which holders went on
 * from there, one generation at a time. Whoever knows the tenant can check it knowing nothing else. Immutable.
 */
public final class TableChain {
    /** Most tables: beyond that the tenant must sign again before holders may go on. */
    public static final int MAX_TABLES = 128;

    /** Most bytes of the envelopes together. */
    public static final int MAX_BYTES = 256 * 1024;

    private final List<SlotTable.Signed> tables;

    private TableChain(List<SlotTable.Signed> tables) {
        this.tables = List.copyOf(tables);
    }

    /** The chain of one table. @throws IllegalArgumentException if the tenant did not sign it */
    public static TableChain of(SlotTable.Signed table) {
        if (!table.byTenant()) {
            throw new IllegalArgumentException("a chain begins with the tenant's table");
        }
        return new TableChain(List.of(table));
    }

    /**
     * Checks each signature and each step.
     *
     * @param envelopes oldest first
     * @throws PpiofsException CORRUPT, UNSUPPORTED_FORMAT
     */
    public static TableChain open(List<byte[]> envelopes, NetworkId network) {
        if (envelopes.isEmpty() || envelopes.size() > MAX_TABLES) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT, "read", "slot tables", envelopes.size() + " tables are no chain");
        }
        List<SlotTable.Signed> tables = new ArrayList<>();
        SlotTable.Signed previous = null;
        for (byte[] envelope : envelopes) {
            SlotTable.Signed table = SlotTable.open(envelope, network, previous);
            if (previous != null
                    && table.table().generation() <= previous.table().generation()) {
                throw new PpiofsException(ErrorKind.CORRUPT, "read", "slot tables", "they are out of order");
            }
            tables.add(table);
            previous = table;
        }
        return new TableChain(tables);
    }

    /** This chain and one table more; the chain begins anew if the tenant signed it. @throws IllegalArgumentException if it cannot follow */
    public TableChain then(SlotTable.Signed next) {
        if (next.byTenant()) {
            return of(next);
        }
        boolean follows = next.table().generation() == newest().generation() + 1
                && newest().holders().contains(PeerId.of(next.signer()));
        if (!follows || tables.size() == MAX_TABLES) {
            throw new IllegalArgumentException("no holder's table follows here: " + next.table());
        }
        List<SlotTable.Signed> longer = new ArrayList<>(tables);
        longer.add(next);
        return new TableChain(longer);
    }

    /** The table that holds. */
    public SlotTable newest() {
        return newestSigned().table();
    }

    public SlotTable.Signed newestSigned() {
        return tables.get(tables.size() - 1);
    }

    public GroupId group() {
        return newest().group();
    }

    public PeerId tenant() {
        return newest().tenant();
    }

    public long generation() {
        return newest().generation();
    }

    /** Oldest first. */
    public List<SlotTable.Signed> tables() {
        return tables;
    }

    /** The signed bytes, oldest first. */
    public List<byte[]> envelopes() {
        return tables.stream().map(SlotTable.Signed::envelope).toList();
    }

    /** Whether this chain's table replaces that of {@code other}, a chain of the same group. */
    public boolean replaces(TableChain other) {
        return tenant().equals(other.tenant()) && newestSigned().replaces(other.newestSigned());
    }

    @Override
    public String toString() {
        return newest().group() + "@" + newest().generation();
    }
}
