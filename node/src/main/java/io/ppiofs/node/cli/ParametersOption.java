package io.ppiofs.node.cli;

import picocli.CommandLine.Option;

/** The option of every command that seals. */
final class ParametersOption {
    @Option(
            names = "--parameters",
            paramLabel = "NAME",
            defaultValue = "fast",
            description = "fast (2 layers, the default), strong (11 layers), test (proves nothing)")
    private String name = "fast";

    String name() {
        return name;
    }
}
