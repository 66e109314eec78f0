package io.ppiofs.tests.harness;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;

/** A small C program out of the test resources, compiled for the scratch directory that asks for it. */
public final class NativeProgram {
    private NativeProgram() {}

    public static Path compile(Scratch scratch, String name) {
        Tools.require("gcc");
        Path binary = scratch.path(name);
        Path source = scratch.path(name + ".c.");
        try (InputStream in = Objects.requireNonNull(
                NativeProgram.class.getResourceAsStream("/io/ppiofs/tests/native/" + name + ".c"), name)) {
            Files.copy(in, source);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        Command.of("gcc", "-O2", "-Wall", "-x", "c", "-o", binary, source).ok();
        return binary;
    }
}
