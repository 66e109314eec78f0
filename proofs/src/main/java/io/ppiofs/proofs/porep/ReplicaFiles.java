package io.ppiofs.proofs.porep;

import java.nio.file.Path;

/**
 * Names of the files of one sector.
 *
 * @param directory has nothing else
 */
public record ReplicaFiles(Path directory) {
    /** The payload as it was given, 127/128 of the sector's size. */
    public Path unsealed() {
        return directory.resolve("unsealed");
    }

    public Path replica() {
        return directory.resolve("replica");
    }

    public Path replicaTree() {
        return directory.resolve("replica-tree");
    }

    public Path dataTree() {
        return directory.resolve("data-tree");
    }

    public Path columnTree() {
        return directory.resolve("column-tree");
    }

    /** @param layer from 1 */
    public Path layer(int layer) {
        return directory.resolve("layer-" + layer);
    }

    /** Where a file grows until it is whole and renamed. */
    public static Path unfinished(Path file) {
        return file.resolveSibling(file.getFileName() + ".part");
    }
}
