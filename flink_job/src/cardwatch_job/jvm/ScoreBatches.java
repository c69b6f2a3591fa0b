package dev.cardwatch;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.Stream;

import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple3;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.metrics.Counter;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.streaming.api.functions.python.DataStreamPythonFunctionInfo;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.python.process.ExternalPythonKeyedCoProcessOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * PyFlink's own keyed operator, with the state's way to Python and back changed.
 *
 * <p>PyFlink asks the JVM for state over a separate connection, key by key. Here the users' memories
 * of a bucket travel to Python in front of the bucket's first batch; from then on Python has them.
 * Before a checkpoint barrier Python is asked for the memories that changed since the last one, which
 * are put into Flink's keyed state. The barrier waits for this answer and for the results of every
 * batch before it (PyFlink finishes its bundle first), so that the state in a checkpoint is that of
 * exactly the records before it. After a failure or a rescale Python starts empty and is told again:
 * of a bucket with its first batch, and where transactions may wait in one of every bucket at once.
 *
 * <p>A call of Python costs as much as judging dozens of transactions. So batches are put together
 * until there is a large piece of them, or the first has waited for some milliseconds: one call,
 * and one bundle, for each piece.
 *
 * <p>Python adds transactions up by window. It is asked for the sums so far every second, and before
 * every barrier, so that they need no state either. They leave as a side output.
 */
public class ScoreBatches extends ExternalPythonKeyedCoProcessOperator
        implements ProcessingTimeService.ProcessingTimeCallback {

    private static final byte[] TICK = new byte[0];
    private static final byte[] BARRIER = new byte[] {'!'};
    private static final byte[] NO_RECORDS = new byte[20]; // none, of a topic without a name
    private static final String USERS = "users";

    private final String[] counterNames;
    private final OutputTag sums;
    private final long sumsEveryMs;
    private final int pieceBytes;
    private final long pieceDelayMs;
    private final boolean waits;

    private transient Counter[] counters;
    private transient MapState users;
    private transient BitSet known;
    private transient DataOutputSerializer piece;
    private transient Integer pieceBucket;
    private transient boolean flushIsDue;
    private transient boolean restored;
    private transient DataInputDeserializer input;
    private transient StreamRecord reused;

    public ScoreBatches(
            Object[] references,
            StreamTask task,
            StreamConfig config,
            Output output,
            ProcessingTimeService timeService) {
        super(
                (Configuration) references[0],
                (DataStreamPythonFunctionInfo) references[1],
                (TypeInformation) references[2],
                (TypeInformation) references[3],
                PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
        this.counterNames = ((String) references[4]).split(",");
        this.sums = (OutputTag) references[5];
        this.sumsEveryMs = ((Number) references[6]).longValue();
        this.pieceBytes = ((Number) references[7]).intValue();
        this.pieceDelayMs = ((Number) references[8]).longValue();
        this.waits = ((Boolean) references[9]).booleanValue();
        this.setup(task, config, output);
        this.setProcessingTimeService(timeService);
    }

    public void open() throws Exception {
        super.open();
        users =
                getRuntimeContext()
                        .getMapState(
                                new MapStateDescriptor(
                                        USERS,
                                        Types.STRING,
                                        PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        known = new BitSet();
        restored = !waits;
        piece = new DataOutputSerializer(pieceBytes);
        input = new DataInputDeserializer();
        reused = new StreamRecord(null);
        counters = new Counter[counterNames.length];
        for (int i = 0; i < counters.length; i++) {
            counters[i] = getMetricGroup().counter(counterNames[i]);
        }
        scheduleSums();
    }

    private void scheduleSums() {
        ProcessingTimeService time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime() + sumsEveryMs, this);
    }

    public void onProcessingTime(long time) throws Exception {
        if (!restored) {
            restored = true;
            sendMemories();
        }
        ask(TICK);
        scheduleSums();
    }

    /** Of every bucket: a transaction may wait in one to which nothing comes. */
    private void sendMemories() throws Exception {
        Stream keys = getKeyedStateBackend().getKeys(USERS, VoidNamespace.INSTANCE);
        ArrayList buckets = new ArrayList();
        Iterator each = keys.iterator();
        while (each.hasNext()) {
            buckets.add(((Row) each.next()).getField(0));
        }
        keys.close();
        for (int i = 0; i < buckets.size(); i++) {
            Integer bucket = (Integer) buckets.get(i);
            if (!known.get(bucket.intValue())) {
                processElement1(new StreamRecord(Row.of(new Object[] {bucket, NO_RECORDS})));
            }
        }
    }

    public void prepareSnapshotPreBarrier(long checkpointId) throws Exception {
        ask(BARRIER);
        super.prepareSnapshotPreBarrier(checkpointId);
    }

    public void endInput(int inputId) throws Exception {
        ask(BARRIER);
        super.endInput(inputId);
    }

    private void ask(byte[] what) throws Exception {
        sendPiece();
        Row nobody = Row.of(new Object[] {Integer.valueOf(0), what});
        super.processElement1(new StreamRecord(nobody));
    }

    public void processElement1(StreamRecord element) throws Exception {
        Row row = (Row) element.getValue();
        Integer bucket = (Integer) row.getField(0);
        byte[] batch = (byte[]) row.getField(1);
        if (piece.length() == 0) {
            pieceBucket = bucket;
            scheduleFlush();
        }
        piece.writeInt(bucket.intValue());
        if (known.get(bucket.intValue())) {
            piece.writeInt(-1);
        } else {
            known.set(bucket.intValue());
            writeUsers(bucket, piece);
        }
        piece.write(batch);
        if (piece.length() >= pieceBytes) {
            sendPiece();
        }
    }

    private void scheduleFlush() {
        if (flushIsDue) {
            return;
        }
        flushIsDue = true;
        ProcessingTimeService time = getProcessingTimeService();
        time.registerTimer(time.getCurrentProcessingTime() + pieceDelayMs, new Flush(this));
    }

    private void flush() throws Exception {
        flushIsDue = false;
        sendPiece();
    }

    /** Sends what there is; under the key of its first bucket, which PyFlink wants and Python not. */
    private void sendPiece() throws Exception {
        if (piece.length() == 0) {
            return;
        }
        Row whole = Row.of(new Object[] {pieceBucket, piece.getCopyOfBuffer()});
        piece.clear();
        super.processElement1(new StreamRecord(whole));
    }

    private void writeUsers(Integer bucket, DataOutputSerializer out) throws Exception {
        useBucket(bucket);
        int start = out.length();
        out.writeInt(0);
        int count = 0;
        Iterator entries = users.iterator();
        while (entries.hasNext()) {
            Map.Entry entry = (Map.Entry) entries.next();
            byte[] user = ((String) entry.getKey()).getBytes(StandardCharsets.UTF_8);
            byte[] memory = (byte[]) entry.getValue();
            out.writeInt(user.length);
            out.write(user);
            out.writeInt(memory.length);
            out.write(memory);
            count++;
        }
        out.writeIntUnsafe(count, start);
    }

    /** Python asks for no keyed state, so nobody else is using the backend's current key. */
    private void useBucket(Integer bucket) throws Exception {
        getKeyedStateBackend().setCurrentKey(Row.of(new Object[] {bucket}));
    }

    /** Take what Python answers: changed memories into state, records on to the sinks. */
    public void emitResult(Tuple3 result) throws Exception {
        // PyFlink's row format: one byte of null flags, the timestamp, then the length and the bytes
        input.setBuffer((byte[]) result.f1, 0, ((Integer) result.f2).intValue());
        input.skipBytesToRead(1 + 8 + 4);
        for (int i = 0; i < counters.length; i++) {
            counters[i].inc(input.readInt());
        }
        int buckets = input.readInt();
        for (int i = 0; i < buckets; i++) {
            takeUsers();
        }
        sendRecords();
        sendSums();
    }

    private void takeUsers() throws Exception {
        int bucket = input.readInt();
        int changed = input.readInt();
        int[] idLengths = readLengths(changed);
        int[] memoryLengths = readLengths(changed);
        String[] ids = new String[changed];
        for (int i = 0; i < changed; i++) {
            ids[i] = new String(read(idLengths[i]), StandardCharsets.UTF_8);
        }
        if (changed > 0) {
            useBucket(Integer.valueOf(bucket));
        }
        for (int i = 0; i < changed; i++) {
            byte[] memory = read(memoryLengths[i]);
            if (memory == null) {
                users.remove(ids[i]);
            } else {
                users.put(ids[i], memory);
            }
        }
    }

    private int[] readLengths(int count) throws Exception {
        int[] lengths = new int[count];
        for (int i = 0; i < count; i++) {
            lengths[i] = input.readInt();
        }
        return lengths;
    }

    private void sendRecords() throws Exception {
        int records = input.readInt();
        for (int i = 0; i < records; i++) {
            String topic = new String(read(), StandardCharsets.UTF_8);
            byte[] key = read();
            byte[] value = read();
            byte[] header = read();
            String traceparent =
                    header == null ? null : new String(header, StandardCharsets.UTF_8);
            output.collect(reused.replace(Row.of(new Object[] {topic, key, value, traceparent})));
        }
    }

    private void sendSums() throws Exception {
        int count = input.readInt();
        for (int i = 0; i < count; i++) {
            Object[] sum = new Object[6];
            for (int column = 1; column < 6; column++) {
                sum[column] = Long.valueOf(input.readLong());
            }
            Object[] names = new Object[3];
            for (int column = 0; column < 3; column++) {
                names[column] = new String(read(), StandardCharsets.UTF_8);
            }
            sum[0] = Row.of(names);
            output.collect(sums, reused.replace(Row.of(sum)));
        }
    }

    private byte[] read() throws Exception {
        return read(input.readInt());
    }

    private byte[] read(int length) throws Exception {
        if (length < 0) {
            return null;
        }
        byte[] bytes = new byte[length];
        input.readFully(bytes);
        return bytes;
    }

    /** Sends what waits, when it has waited long enough. */
    private static class Flush implements ProcessingTimeService.ProcessingTimeCallback {
        private final ScoreBatches operator;

        Flush(ScoreBatches operator) {
            this.operator = operator;
        }

        public void onProcessingTime(long time) throws Exception {
            operator.flush();
        }
    }
}
