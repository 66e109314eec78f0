/**
 * The differential model test: the same random operations on the mount and on a reference file system, answer compared
 * with answer, tree with tree.
 *
 * <p>{@link io.ppiofs.tests.model.OperationGenerator} invents operations, {@link io.ppiofs.tests.model.DifferentialRun}
 * executes them on both sides by processes of several users, {@link io.ppiofs.tests.model.Minimizer} cuts a failure down to
 * the operations it needs. Everything follows from the seed.
 */
@NullMarked
package io.ppiofs.tests.model;

import org.jspecify.annotations.NullMarked;
