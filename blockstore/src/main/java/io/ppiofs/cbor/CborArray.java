package io.ppiofs.cbor;

import java.util.List;

/** An array (major type 4). */
public record CborArray(List<Cbor> items) implements Cbor {
    public CborArray {
        items = List.copyOf(items);
    }
}
