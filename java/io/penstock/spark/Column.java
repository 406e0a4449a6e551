package io.penstock.spark;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.apache.spark.sql.catalyst.InternalRow;
import org.apache.spark.sql.catalyst.expressions.SpecializedGetters;
import org.apache.spark.sql.catalyst.util.ArrayData;
import org.apache.spark.sql.catalyst.util.GenericArrayData;
import org.apache.spark.sql.types.ArrayType;
import org.apache.spark.sql.types.DataType;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.unsafe.types.UTF8String;

/**
 * A column of one type as it crosses between Python and Spark's own rows.
 *
 * <p>Packed, it is a byte that says whether there are nulls, then, if so, a byte for each value (1: null), then the
 * values, nulls included: numbers highest byte first, a boolean as one byte; texts as all their lengths (4 bytes each)
 * and all their bytes; arrays as all their lengths and one column of all their elements.
 */
final class Column {

    private static final String VECTOR = "org.apache.spark.ml.linalg.VectorUDT";

    enum Kind { STRING, DOUBLE, FLOAT, INTEGER, LONG, BOOLEAN, SHORT, BYTE, VECTOR, ARRAY }

    final String name;
    private final Kind kind;
    /** Of an array's or a vector's elements. */
    private final Column element;

    private Column(String name, Kind kind, Column element) {
        this.name = name;
        this.kind = kind;
        this.element = element;
    }

    static Column of(String name, DataType type) {
        if (type instanceof ArrayType) {
            return new Column(name, Kind.ARRAY, of(name, ((ArrayType) type).elementType()));
        }
        if (type.getClass().getName().equals(VECTOR)) {
            return new Column(name, Kind.VECTOR, new Column(name, Kind.DOUBLE, null));
        }
        for (Kind kind : Kind.values()) {
            if (kind.ordinal() < Kind.VECTOR.ordinal() && type.equals(type(kind))) {
                return new Column(name, kind, null);
            }
        }
        throw new IllegalArgumentException("column '" + name + "' is of type " + type.catalogString()
                + ", which has no place in a request or a result; expected string, double, float, integer, long, boolean,"
                + " a vector, or an array of these: cast it in the pipeline, or leave it out of the outputs");
    }

    private static DataType type(Kind kind) {
        return switch (kind) {
            case STRING -> DataTypes.StringType;
            case DOUBLE -> DataTypes.DoubleType;
            case FLOAT -> DataTypes.FloatType;
            case INTEGER -> DataTypes.IntegerType;
            case LONG -> DataTypes.LongType;
            case BOOLEAN -> DataTypes.BooleanType;
            case SHORT -> DataTypes.ShortType;
            case BYTE -> DataTypes.ByteType;
            case VECTOR, ARRAY -> DataTypes.NullType;
        };
    }

    /** The word that Python has for the type. */
    String word() {
        return switch (kind) {
            case SHORT, BYTE -> "integer";
            case VECTOR, ARRAY -> element.word() + "[]";
            default -> kind.name().toLowerCase(java.util.Locale.ROOT);
        };
    }

    /** Reads a packed column: values as Spark's rows hold them. */
    Object[] read(ByteBuffer in, int count) {
        byte[] nulls = null;
        if (in.get() != 0) {
            nulls = new byte[count];
            in.get(nulls);
        }
        Object[] values = new Object[count];
        if (kind == Kind.STRING || kind == Kind.ARRAY || kind == Kind.VECTOR) {
            readLong(in, values);
        } else {
            for (int i = 0; i < count; i++) {
                values[i] = readNumber(in);
            }
        }
        for (int i = 0; nulls != null && i < count; i++) {
            if (nulls[i] != 0) {
                values[i] = null;
            }
        }
        return values;
    }

    private void readLong(ByteBuffer in, Object[] values) {
        if (kind == Kind.VECTOR) {
            throw new IllegalStateException("column '" + name + "' is a vector: give an array, and make it one by array_to_vector");
        }
        int[] lengths = new int[values.length];
        int all = 0;
        for (int i = 0; i < lengths.length; i++) {
            lengths[i] = in.getInt();
            all += lengths[i];
        }
        Object[] elements = kind == Kind.ARRAY ? element.read(in, all) : null;
        for (int i = 0, at = 0; i < lengths.length; at += lengths[i], i++) {
            if (elements == null) {
                byte[] text = new byte[lengths[i]];
                in.get(text);
                values[i] = UTF8String.fromBytes(text);
            } else {
                values[i] = new GenericArrayData(Arrays.copyOfRange(elements, at, at + lengths[i]));
            }
        }
    }

    private Object readNumber(ByteBuffer in) {
        return switch (kind) {
            case DOUBLE -> in.getDouble();
            case FLOAT -> in.getFloat();
            case INTEGER -> in.getInt();
            case LONG -> in.getLong();
            case BOOLEAN -> in.get() != 0;
            case SHORT -> (short) in.getInt();
            default -> (byte) in.getInt();
        };
    }

    /** Takes a value out of a row or an array, whose buffers the next row uses again. */
    Object taken(SpecializedGetters row, int i) {
        if (row.isNullAt(i)) {
            return null;
        }
        return switch (kind) {
            case STRING -> row.getUTF8String(i).getBytes();
            case DOUBLE -> row.getDouble(i);
            case FLOAT -> row.getFloat(i);
            case INTEGER -> row.getInt(i);
            case LONG -> row.getLong(i);
            case BOOLEAN -> row.getBoolean(i);
            case SHORT -> (int) row.getShort(i);
            case BYTE -> (int) row.getByte(i);
            case VECTOR -> vector(row.getStruct(i, 4));
            case ARRAY -> array(row.getArray(i));
        };
    }

    private Object array(ArrayData array) {
        Object[] values = new Object[array.numElements()];
        for (int i = 0; i < values.length; i++) {
            values[i] = element.taken(array, i);
        }
        return values;
    }

    /** A vector is a row of its form (0: sparse), size, indices and values. */
    private static Object vector(InternalRow vector) {
        double[] given = vector.getArray(3).toDoubleArray();
        if (vector.getByte(0) != 0) {
            return given;
        }
        double[] values = new double[vector.getInt(1)];
        int[] indices = vector.getArray(2).toIntArray();
        for (int i = 0; i < indices.length; i++) {
            values[indices[i]] = given[i];
        }
        return values;
    }

    /** Packs values that were taken. */
    void write(Packed out, List<Object> values) {
        boolean nulls = values.contains(null);
        out.put((byte) (nulls ? 1 : 0));
        if (nulls) {
            values.forEach(value -> out.put((byte) (value == null ? 1 : 0)));
        }
        switch (kind) {
            case STRING -> {
                values.forEach(value -> out.putInt(value == null ? 0 : ((byte[]) value).length));
                values.forEach(value -> out.put(value == null ? new byte[0] : (byte[]) value));
            }
            case VECTOR -> {
                values.forEach(value -> out.putInt(value == null ? 0 : ((double[]) value).length));
                out.put((byte) 0);
                for (Object value : values) {
                    for (double number : value == null ? new double[0] : (double[]) value) {
                        out.putDouble(number);
                    }
                }
            }
            case ARRAY -> {
                List<Object> elements = new ArrayList<>();
                for (Object value : values) {
                    Object[] array = value == null ? new Object[0] : (Object[]) value;
                    out.putInt(array.length);
                    elements.addAll(Arrays.asList(array));
                }
                element.write(out, elements);
            }
            default -> values.forEach(value -> writeNumber(out, value));
        }
    }

    private void writeNumber(Packed out, Object value) {
        switch (kind) {
            case DOUBLE -> out.putDouble(value == null ? 0 : (Double) value);
            case FLOAT -> out.putFloat(value == null ? 0 : (Float) value);
            case LONG -> out.putLong(value == null ? 0 : (Long) value);
            case BOOLEAN -> out.put((byte) (value != null && (Boolean) value ? 1 : 0));
            default -> out.putInt(value == null ? 0 : (Integer) value);
        }
    }
}
