package io.ppiofs.node.sectors;

import io.ppiofs.cbor.CborDecoder;
import io.ppiofs.cbor.CborEncoder;
import io.ppiofs.cbor.CborInt;
import io.ppiofs.cbor.CborMap;
import io.ppiofs.cbor.CborText;
import io.ppiofs.cbor.MalformedException;
import io.ppiofs.error.ErrorKind;
import io.ppiofs.error.PpiofsException;
import io.ppiofs.file.DurableFile;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where a sector's payload came from, kept beside its record in the file {@code source}. Of a group the payload is the slot's
 * blocks in the order of the inventory, one behind the other and nothing between: whoever has the inventory can compute commD.
 *
 * @param text a path, or {@code GROUP/SLOT}
 * @param tenant of the group; empty for a file
 * @param generation of the slot; 0 for a file
 */
record SectorSource(String text, String tenant, long generation) {
    private static final String FILE = "source";
    private static final int VERSION = 1;
    private static final int FIELDS = 4;
    private static final int MAX_BYTES = 8 * 1024;
    private static final int MAX_TEXT = 4 * 1024;

    static SectorSource ofFile(Path file) {
        return new SectorSource(file.toString(), "", 0);
    }

    void save(Path sector) {
        DurableFile.replace(
                sector.resolve(FILE),
                CborEncoder.encode(CborMap.builder()
                        .put(1, new CborInt(VERSION))
                        .put(2, new CborText(text))
                        .put(3, new CborText(tenant))
                        .put(4, new CborInt(generation))
                        .build()),
                "create sector");
    }

    /** Null if there is none: nobody was told of the sector. @throws PpiofsException CORRUPT, IO */
    static @Nullable SectorSource load(Path sector) {
        Path file = sector.resolve(FILE);
        byte[] bytes = DurableFile.read(file, MAX_BYTES, "open sector");
        if (bytes == null) {
            return null;
        }
        try {
            CborMap map = CborDecoder.decodeMap(bytes);
            map.requireFields(FIELDS);
            if (map.uint(1, Integer.MAX_VALUE) != VERSION) {
                throw new MalformedException("its version is not " + VERSION);
            }
            return new SectorSource(map.text(2, MAX_TEXT), map.text(3, 128), map.uint(4, Long.MAX_VALUE));
        } catch (MalformedException e) {
            throw new PpiofsException(
                    ErrorKind.CORRUPT,
                    "open sector",
                    file.toString(),
                    e.getMessage() + "; remove the sector and seal its data again",
                    e);
        }
    }
}
