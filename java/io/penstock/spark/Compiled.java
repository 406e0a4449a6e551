package io.penstock.spark;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.Attribute;
import org.apache.spark.sql.catalyst.expressions.GenericInternalRow;
import org.apache.spark.sql.catalyst.expressions.MutableProjection;
import org.apache.spark.sql.catalyst.plans.logical.LeafNode;
import org.apache.spark.sql.catalyst.plans.logical.LocalRelation;
import org.apache.spark.sql.catalyst.plans.logical.LogicalPlan;
import org.apache.spark.sql.catalyst.plans.logical.Project;
import scala.collection.immutable.Seq;

/**
 * A row-wise plan as a function of rows: Spark plans a pipeline once, and scoring needs neither job nor plan any more.
 *
 * <p>Projections keep state between rows, so they are used by one thread at a time. What they call is shared by all that
 * were made of one plan: Spark's own from_json and to_json, used by several threads, are broken for good. No plan here has
 * them, since values cross by {@link Column}.
 */
public final class Compiled {

    private static final int MOST_REASON = 500;

    private final Column[] inputs;
    private final Column[] outputs;
    private final MutableProjection[] steps;

    private Compiled(Column[] inputs, Column[] outputs, MutableProjection[] steps) {
        this.inputs = inputs;
        this.outputs = outputs;
        this.steps = steps;
    }

    /** Returns which node keeps a plan from being row-wise; nothing where it is. */
    public static String refusal(Dataset<Row> frame) {
        LogicalPlan plan = plan(frame);
        while (plan instanceof Project) {
            plan = plan.children().head();
        }
        return plan instanceof LeafNode && !(plan instanceof LocalRelation) ? "" : plan.nodeName();
    }

    /** Compiles a frame's plan. Columns of types that do not cross to Python are refused by name. */
    public static Compiled of(Dataset<Row> frame) {
        String refusal = refusal(frame);
        if (!refusal.isEmpty()) {
            throw new IllegalArgumentException("the plan is not row-wise: " + refusal);
        }
        ArrayDeque<MutableProjection> steps = new ArrayDeque<>();
        LogicalPlan top = plan(frame);
        LogicalPlan plan = top;
        while (plan instanceof Project) {
            LogicalPlan below = plan.children().head();
            MutableProjection step = projection(((Project) plan).projectList(), below.output());
            step.initialize(0);
            steps.addFirst(step);
            plan = below;
        }
        return new Compiled(columns(plan), columns(top), steps.toArray(new MutableProjection[0]));
    }

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static MutableProjection projection(Seq expressions, Seq input) {
        return MutableProjection.create(expressions, input);
    }

    private static LogicalPlan plan(Dataset<Row> frame) {
        return ((org.apache.spark.sql.classic.Dataset<Row>) frame).queryExecution().optimizedPlan();
    }

    private static Column[] columns(LogicalPlan plan) {
        Seq<Attribute> output = plan.output();
        Column[] columns = new Column[output.size()];
        Set<String> names = new HashSet<>();
        for (int i = 0; i < columns.length; i++) {
            columns[i] = Column.of(output.apply(i).name(), output.apply(i).dataType());
            if (!names.add(columns[i].name)) {
                throw new IllegalArgumentException("it has two columns '" + columns[i].name + "': give one of them another name");
            }
        }
        return columns;
    }

    /** Names and words of types of what it is given, as {@link #outputs} tells them. */
    public String inputs() {
        return told(inputs);
    }

    /** Names and words of types of what it answers: a column in each line, with a tab between them. */
    public String outputs() {
        return told(outputs);
    }

    private static String told(Column[] columns) {
        StringBuilder lines = new StringBuilder();
        for (Column column : columns) {
            lines.append(column.name).append('\t').append(column.word()).append('\n');
        }
        return lines.toString();
    }

    /**
     * Scores rows: their count and the input columns in, packed ({@link Column}); out come the count of rows that failed,
     * of each its number and the reason, and the output columns, in which the rows that failed are null.
     */
    public synchronized byte[] many(byte[] packed) {
        ByteBuffer in = ByteBuffer.wrap(packed);
        int count = in.getInt();
        Object[][] given = new Object[inputs.length][];
        for (int i = 0; i < inputs.length; i++) {
            given[i] = inputs[i].read(in, count);
        }
        Object[][] answers = new Object[outputs.length][count];
        Map<Integer, byte[]> faults = new LinkedHashMap<>();
        for (int row = 0; row < count; row++) {
            try {
                InternalRow found = apply(given, row);
                for (int i = 0; i < outputs.length; i++) {
                    answers[i][row] = outputs[i].taken(found, i);
                }
            } catch (Exception | StackOverflowError e) { // whatever a pipeline throws costs the row, not the batch
                for (Object[] column : answers) {
                    column[row] = null;
                }
                faults.put(row, reason(e).getBytes(StandardCharsets.UTF_8));
            }
        }
        return packed(faults, answers);
    }

    private InternalRow apply(Object[][] given, int row) {
        Object[] values = new Object[given.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = given[i][row];
        }
        InternalRow found = new GenericInternalRow(values);
        for (MutableProjection step : steps) {
            found = step.apply(found);
        }
        return found;
    }

    private byte[] packed(Map<Integer, byte[]> faults, Object[][] answers) {
        Packed out = new Packed();
        out.putInt(faults.size());
        faults.forEach((row, reason) -> out.putInt(row).putInt(reason.length).put(reason));
        for (int i = 0; i < outputs.length; i++) {
            outputs[i].write(out, Arrays.asList(answers[i]));
        }
        return out.bytes();
    }

    /** Spark wraps what a function says in names of generated classes: the innermost text is the one that tells. */
    private static String reason(Throwable error) {
        List<Throwable> chain = new ArrayList<>();
        for (Throwable each = error; each != null && !chain.contains(each); each = each.getCause()) {
            chain.add(each);
        }
        String text = error.toString();
        for (Throwable each : chain) {
            if (each.getMessage() != null) {
                text = each.getMessage();
            }
        }
        text = text.strip().replaceAll("\\s+", " ");
        return text.length() <= MOST_REASON ? text : text.substring(0, MOST_REASON) + "…";
    }
}
