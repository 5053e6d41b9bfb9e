//! One picture: what blocks.

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use anyloop::async_wrap;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use crate::album::Gauge;

pub(crate) type Problem = Box<dyn Error + Send + Sync>;

/// How many MiB it takes to decode a picture: for its pixels, which its header tells, and for its file.
#[async_wrap]
pub(crate) fn mebibytes(path: &Path) -> Result<usize, Problem> {
    let bytes = decoder(path)?.total_bytes().saturating_add(fs::metadata(path)?.len());
    Ok(usize::try_from(bytes.div_ceil(1 << 20))?.max(1))
}

/// Writes the picture to `output`, in no more than `size` pixels in either direction.
#[async_wrap]
pub(crate) fn shrink(
    path: &Path,
    output: &Path,
    size: u32,
    mebibytes: usize,
    gauge: &Gauge,
) -> Result<(), Problem> {
    let _taken = gauge.take(mebibytes);
    let mut decoder = decoder(path)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    if picture.width() > size || picture.height() > size {
        picture = picture.thumbnail(size, size);
    }
    // How a camera was held; cheaper now that the picture is small.
    picture.apply_orientation(orientation);
    // A file is written only when all of it is there.
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::from_path(output)?)?;
    Ok(fs::write(output, file.into_inner())?)
}

/// What the file is, its content says; its name might be wrong.
fn decoder(path: &Path) -> Result<impl ImageDecoder, Problem> {
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    // How much there is in memory at a time, the limiter sees to.
    reader.limits(Limits::no_limits());
    Ok(reader.into_decoder()?)
}
